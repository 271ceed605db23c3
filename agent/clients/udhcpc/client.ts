/** udhcpc of busybox: the part of udhcpc.conf that its script sources (the lease and boot moments). */
import { findBlock } from '../../resolver/marked-block.ts';
import type { DhcpClient } from '../client.ts';
import { hookLeftover } from '../hook-leftover.ts';
import { Udhcpc } from './kept.ts';
import { eventScripts, UDHCPC_CONF, udhcpcHolders, udhcpcIsHere } from './running.ts';

export const udhcpcClient: DhcpClient = {
  program: 'udhcpc',
  isHere: udhcpcIsHere,
  running: udhcpcHolders,
  leases: async (host) => (await import('./known-leases.ts')).udhcpcLeases(host),
  forecasts: async (host, desired, holds) => (await import('./forecast.ts')).udhcpcForecasts(host, desired, holds),
  resources: [
    {
      name: 'udhcpc',
      keepsScripts: true,
      turn: 'before resolv.conf',
      make: (host, desired, around) => new Udhcpc(host, desired, around),
      undoing: { file: (host, original) => hookLeftover(host, original, eventScripts(host)) },
    },
  ],
  scripts: eventScripts,
  orphans: (host) => (!udhcpcIsHere(host) && findBlock(host.readText(UDHCPC_CONF) ?? '') !== null ? [UDHCPC_CONF] : []),
  stage: async (host, holder, iface) => (await import('./stage.ts')).udhcpcStage(host, holder, iface),
  leaseFiles: [],
};
