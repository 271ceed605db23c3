/**
 * systemd-networkd: its links (now and lease), and drop-ins for its next start. `dns` is held here where
 * systemd-resolved answers, and `dhcp` everywhere.
 */
import type { DhcpClient } from '../client.ts';
import { Resolved } from './kept.ts';
import { NetworkdDhcp } from './kept-dhcp.ts';
import { NETWORKD_LEASES } from './managed-links.ts';
import { networkdHolders, networkdIsHere } from './running.ts';
import { networkdSysctls } from './sysctls.ts';
import { NETWORKD_UNDOING, RESOLVED_UNDOING } from './way-back.ts';

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
    {
      name: 'networkd',
      turn: 'after resolv.conf',
      make: (host, desired, around) => new NetworkdDhcp(host, desired, around),
      undoing: NETWORKD_UNDOING,
    },
  ],
  // systemd-networkd runs no script.
  scripts: () => [],
  stage: async (host, holder, iface) => (await import('./stage.ts')).networkdStage(host, holder, iface),
  sysctls: networkdSysctls,
  leaseFiles: [`${NETWORKD_LEASES}/x`],
};
