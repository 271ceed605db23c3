/** Each client and event that is rehearsed and then made to happen: for the lab's tests, and for the table in the documents. */
import { RESOLVED_UPLINKS } from '../../../agent/clients/resolved.ts';
import { DHCLIENT_EVENTS, DHCLIENT_WAYS } from './dhclient-events.ts';
import { DHCLIENT6_EVENTS, dhclient6Scene } from './dhclient6-events.ts';
import type { DhcpOptions } from './dhcp.ts';
import type { Dhcp6Options } from './dhcp6.ts';
import { dhcpcdHost } from './dhcpcd.ts';
import {
  DUAL_DHCPCD_EVENTS,
  DUAL_DHCPCD_WAYS,
  dualDhcpcdScene,
  SIX_DHCPCD_EVENTS,
  sixDhcpcdScene,
} from './dhcpcd-dual-events.ts';
import { DHCPCD_EVENTS, DHCPCD_WAYS } from './dhcpcd-events.ts';
import { DUAL_WAYS } from './dual-network.ts';
import { cameTrue, cameTrue6, cameTrueBoth, type Foretold, foretell, foretellBoot } from './foretell.ts';
import { type NetworkdScene, networkdLabHost } from './networkd.ts';
import {
  DUAL_NETWORKD_EVENTS,
  type DualNetworkdScene,
  dualNetworkdScene,
  SIX_NETWORKD_EVENTS,
  type SixNetworkdScene,
  sixNetworkdScene,
} from './networkd-dual-events.ts';
import { NETWORKD_EVENTS, NETWORKD_WAYS } from './networkd-events.ts';
import { managedHost } from './networkmanager.ts';
import { DUAL_NETWORKMANAGER_EVENTS, dualManagedHost } from './networkmanager-dual-events.ts';
import { NETWORKMANAGER_EVENTS, NETWORKMANAGER_WAYS } from './networkmanager-events.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { staleHost } from './scene.ts';
import type { LabSystem } from './system.ts';
import { UDHCPC_EVENTS, UDHCPC_WAYS, udhcpcScene } from './udhcpc-events.ts';

export interface RehearsalCase {
  readonly client: string;
  /** As `--reason` names it, or `boot`. */
  readonly event: string;
  /** How the wanted servers came to the host. */
  readonly way: string;
  readonly isHeld: boolean;
  /** Whether the client gives its address up at this event. */
  readonly givesUp: boolean;
  /** Rehearses the event, and makes it happen. Throws if the host is then other than foretold. */
  run(): Promise<Foretold>;
}

/** Everything of one client: how its host comes to be, how it is held, and how each event is made to happen. */
interface Played<Dhcp, Scene extends { readonly host: LabSystem }> {
  readonly client: string;
  /** null if a part of it cannot be had here. */
  readonly begin: (dhcp: Dhcp) => Promise<Scene | null>;
  /** What is looked at in place of resolv.conf. */
  readonly file?: string;
  /** Whose addresses and routes are looked at. Default: 4. */
  readonly family?: 6 | 'both';
  readonly ways: Readonly<Record<string, (host: Scene['host']) => Promise<void>>>;
  readonly events: RehearsedEvents<Dhcp, Scene>;
}

export const REHEARSAL_CASES: readonly RehearsalCase[] = [
  ...casesOf({ client: 'dhclient', begin: staleHost, ways: DHCLIENT_WAYS, events: DHCLIENT_EVENTS }),
  ...casesOf({
    client: 'dhclient -6, beside IPv4',
    begin: dhclient6Scene,
    ways: DHCLIENT_WAYS,
    events: DHCLIENT6_EVENTS,
    family: 6,
  }),
  ...casesOf({ client: 'dhcpcd', begin: dhcpcdHost, ways: DHCPCD_WAYS, events: DHCPCD_EVENTS }),
  ...casesOf({
    client: 'dhcpcd, both families',
    begin: dualDhcpcdScene,
    ways: DUAL_DHCPCD_WAYS,
    events: DUAL_DHCPCD_EVENTS,
    family: 'both',
  }),
  ...casesOf({
    client: 'dhcpcd, IPv6 only',
    begin: sixDhcpcdScene,
    ways: DUAL_DHCPCD_WAYS,
    events: SIX_DHCPCD_EVENTS,
    family: 6,
  }),
  ...casesOf<DhcpOptions, NetworkdScene>({
    client: 'systemd-networkd',
    begin: networkdLabHost,
    ways: NETWORKD_WAYS,
    events: NETWORKD_EVENTS,
    file: RESOLVED_UPLINKS,
  }),
  ...casesOf<Dhcp6Options, DualNetworkdScene>({
    client: 'systemd-networkd, both families',
    begin: dualNetworkdScene,
    ways: DUAL_WAYS,
    events: DUAL_NETWORKD_EVENTS,
    file: RESOLVED_UPLINKS,
    family: 'both',
  }),
  ...casesOf<Dhcp6Options, SixNetworkdScene>({
    client: 'systemd-networkd, IPv6 only',
    begin: sixNetworkdScene,
    ways: DUAL_WAYS,
    events: SIX_NETWORKD_EVENTS,
    file: RESOLVED_UPLINKS,
    family: 6,
  }),
  ...casesOf({ client: 'udhcpc', begin: udhcpcScene, ways: UDHCPC_WAYS, events: UDHCPC_EVENTS }),
  ...casesOf({
    client: 'NetworkManager',
    begin: (dhcp: DhcpOptions) => managedHost(dhcp),
    ways: NETWORKMANAGER_WAYS,
    events: NETWORKMANAGER_EVENTS,
  }),
  ...casesOf({
    client: 'NetworkManager, both families',
    begin: dualManagedHost,
    ways: DUAL_WAYS,
    events: DUAL_NETWORKMANAGER_EVENTS,
    family: 'both',
  }),
];

export function casesOf<Dhcp, Scene extends AsyncDisposable & { readonly host: LabSystem }>({
  client,
  begin,
  ways,
  events,
  file,
  family,
}: Played<Dhcp, Scene>): RehearsalCase[] {
  return Object.entries(ways).flatMap(([way, prepare]) =>
    Object.entries(events).map(([event, { dhcp, givesUp, happen }]) => ({
      client,
      event,
      way,
      isHeld: way.startsWith('held by Holdfast'),
      givesUp,
      async run() {
        await using scene = await begin(dhcp);
        if (scene === null) throw new Error(`${client} cannot be had here`);
        await prepare(scene.host);
        const foretold = await foretellOne(scene.host, event, family);
        await happen(scene);
        if (family === 'both') await cameTrueBoth(scene.host, foretold, file);
        else await (family === 6 ? cameTrue6(scene.host, foretold, file) : cameTrue(scene.host, foretold, file));
        return foretold;
      },
    })),
  );
}

const foretellOne = (host: LabSystem, event: string, family?: 6 | 'both') =>
  event === 'boot' ? foretellBoot(host, family === 6 ? 6 : 4) : foretell(host, event);
