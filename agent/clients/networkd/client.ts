/** systemd-networkd, where systemd-resolved answers: its links (now and lease), and drop-ins for its next start. */
import type { DhcpClient } from '../client.ts';
import { Resolved } from './kept.ts';
import { NETWORKD_LEASES } from './managed-links.ts';
import { networkdHolders, networkdIsHere } from './running.ts';
import { networkdSysctls } from './sysctls.ts';
import { RESOLVED_UNDOING } from './way-back.ts';

export const networkdClient: DhcpClient = {
  program: 'systemd-networkd',
  isHere: networkdIsHere,
  running: networkdHolders,
  leases: async (host) => (await import('./known-leases.ts')).networkdLeases(host),
  forecasts: async (...asked) => (await import('./forecast.ts')).networkdForecasts(...asked),
  resources: [
    {
      name: 'resolved',
      turn: 'before resolv.conf',
      make: (host, desired, around) => new Resolved(host, desired.dns, around),
      undoing: RESOLVED_UNDOING,
    },
  ],
  // systemd-networkd runs no script.
  scripts: () => [],
  // Its drop-ins lie below our own state folder, where only its start reads them.
  orphans: () => [],
  sysctls: networkdSysctls,
  leaseFiles: [`${NETWORKD_LEASES}/x`],
};
