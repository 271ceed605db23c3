/** rdnssd: its merge hook (the lease and boot moments). It holds no lease, so no interface is contested because of it. */
import type { DhcpClient } from '../client.ts';
import { hookLeftover } from '../hook-leftover.ts';
import { Rdnssd } from './kept.ts';
import { mergeHook, rdnssdIsHere } from './running.ts';

export const rdnssdClient: DhcpClient = {
  program: 'rdnssd',
  isHere: rdnssdIsHere,
  running: () => [],
  leases: async (host) => (await import('./known-leases.ts')).rdnssdLeases(host),
  resources: [
    {
      name: 'rdnssd',
      keepsScripts: true,
      turn: 'before resolv.conf',
      make: (host, desired, around) => new Rdnssd(host, desired.dns, around),
      undoing: { file: (host, original) => hookLeftover(host, original, [original.key]) },
    },
  ],
  scripts: (host) => {
    const hook = rdnssdIsHere(host) ? mergeHook(host) : null;
    return hook === null ? [] : [hook];
  },
  leaseFiles: ['/run/rdnssd/x'],
};
