/** ISC dhclient: hooks for its script (the lease moment), and its configuration (the boot moment). */
import { fileLeftover } from '../../hold/files/file-revert.ts';
import type { Host } from '../../host/host.ts';
import type { DhcpClient, LeaseHolder } from '../client.ts';
import { hookLeftover } from '../hook-leftover.ts';
import { scriptPaths } from './dhclient-scripts.ts';
import { hasOwnHook, hookPlaces } from './hooks/hook-places.ts';
import { dhclientInstalled } from './installed.ts';
import { Dhclient } from './kept-conf.ts';
import { Hooks } from './kept-hooks.ts';
import { dhcpClients } from './running.ts';

export const dhclientClient: DhcpClient = {
  program: 'dhclient',
  isHere: dhclientInstalled,
  running,
  leases: async (host) => (await import('./known-leases.ts')).dhclientLeases(host),
  forecasts: async (...asked) => (await import('./forecast.ts')).dhclientForecasts(...asked),
  resources: [
    {
      name: 'hooks',
      keepsScripts: true,
      turn: 'before resolv.conf',
      make: (host, desired, around) => new Hooks(host, desired, around),
      undoing: { file: (host, original) => hookLeftover(host, original, scriptPaths(host), missed(host)) },
    },
    {
      name: 'dhclient',
      turn: 'after resolv.conf',
      make: (host, desired, around) => new Dhclient(host, desired, around),
      undoing: { file: (host, original) => fileLeftover(host, original, missed(host)) },
    },
  ],
  scripts: scriptPaths,
  orphans,
  leaseFiles: ['/var/lib/dhcp/x', '/var/lib/dhclient/x'],
};

/** The dhclients that no other program runs. */
function running(host: Host): LeaseHolder[] {
  return dhcpClients(host)
    .filter(({ owner }) => owner === null)
    .map(({ pid, started, interfaces }) => {
      return { program: 'dhclient', pid, started, interfaces: interfaces.length === 0 ? 'all' : interfaces };
    });
}

/** dhclient, if still installed, misses the operator's own file at its next start. */
function missed(host: Host) {
  return { isMissed: () => host.live && dhclientInstalled(host) };
}

function orphans(host: Host): string[] {
  const places = dhclientInstalled(host) ? null : hookPlaces(host);
  if (places === null) return [];
  return (['enter', 'exit'] as const).filter((when) => hasOwnHook(host, places, when)).map((when) => places[when]);
}
