/** dhcpcd: the enter hook (the lease moment), and dhcpcd.conf (the boot moment). */
import { fileLeftover } from '../../hold/files/file-revert.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import type { DhcpClient } from '../client.ts';
import { hookLeftover } from '../hook-leftover.ts';
import { Dhcpcd } from './kept.ts';
import { DHCPCD_CONF, DHCPCD_SCRIPTS, dhcpcdHolders, dhcpcdIsHere, ENTER_HOOK, keepsTime } from './running.ts';
import { dhcpcdSysctls } from './sysctls.ts';

export const dhcpcdClient: DhcpClient = {
  program: 'dhcpcd',
  isHere: dhcpcdIsHere,
  running: dhcpcdHolders,
  leases: async (host) => (await import('./known-leases.ts')).dhcpcdLeases(host),
  forecasts: async (...of) => (await import('./forecast.ts')).dhcpcdForecasts(...of),
  resources: [
    {
      name: 'dhcpcd',
      keepsScripts: true,
      turn: 'before resolv.conf',
      make: (host, desired, around) => new Dhcpcd(host, desired, around),
      undoing: {
        file: (host, original) =>
          original.key === ENTER_HOOK
            ? hookLeftover(host, original, DHCPCD_SCRIPTS)
            : fileLeftover(host, original, { keepTime: keepsTime(host, original.key) }),
      },
    },
  ],
  scripts: () => DHCPCD_SCRIPTS,
  orphans: (host) =>
    dhcpcdIsHere(host) ? [] : [ENTER_HOOK, DHCPCD_CONF].filter((file) => findBlock(host.readText(file) ?? '') !== null),
  sysctls: dhcpcdSysctls,
  stage: async (host, holder, iface) => (await import('./stage.ts')).dhcpcdStage(host, holder, iface),
  leaseFiles: ['/var/lib/dhcpcd/x'],
};
