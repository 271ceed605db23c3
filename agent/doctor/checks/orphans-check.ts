/** Files that Holdfast made for a DHCP client which is no longer installed, as after a migration. */
import { hookPlaces, ownsHook } from '../../clients/dhclient/hooks/hook-places.ts';
import { dhclientInstalled } from '../../clients/dhclient/installed.ts';
import { dhcpcdInstalled, ENTER_HOOK } from '../../clients/dhcpcd/running.ts';
import { NETWORK_MANAGER_CONF, networkManager, networkManagerInstalled } from '../../clients/networkmanager/running.ts';
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

export function* orphansCheck({ host }: DoctorSurroundings): Iterable<DoctorObservation> {
  // The programs of another root may lie elsewhere.
  if (!host.live) return;
  for (const { program, files } of [ofDhclient(host), ofDhcpcd(host), ofNetworkManager(host)]) {
    if (files.length === 0) continue;
    yield { code: 'HF-HOOK-ORPHAN', seen: `${files.join(' and ')}: for ${program}, which is not installed` };
  }
}

interface Orphans {
  readonly program: string;
  readonly files: readonly string[];
}

function ofDhclient(host: Host): Orphans {
  const places = dhclientInstalled(host) ? null : hookPlaces(host);
  const files =
    places === null
      ? []
      : [places.enter, places.exit].filter((file) => {
          const text = host.readText(file);
          return text !== null && ownsHook(places, text);
        });
  return { program: 'dhclient', files };
}

function ofDhcpcd(host: Host): Orphans {
  const here = dhcpcdInstalled(host) || host.processes('dhcpcd', 'network').length > 0;
  const isOurs = !here && findBlock(host.readText(ENTER_HOOK) ?? '') !== null;
  return { program: 'dhcpcd', files: isOurs ? [ENTER_HOOK] : [] };
}

function ofNetworkManager(host: Host): Orphans {
  const here = networkManagerInstalled(host) || networkManager(host) !== null;
  return {
    program: 'NetworkManager',
    files: here || host.stat(NETWORK_MANAGER_CONF) === null ? [] : [NETWORK_MANAGER_CONF],
  };
}
