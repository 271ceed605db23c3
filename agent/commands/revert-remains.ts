/** `agent revert` cannot take these back: the configuration that a running dhclient remembers, and the MTU of a link. */
import { hasOwnHook, hookPlaces } from '../clients/dhclient/hooks/hook-places.ts';
import { currentLease, resolvConfWithoutHook } from '../clients/dhclient/leases/leases.ts';
import { clientName, dhcpClients } from '../clients/dhclient/running.ts';
import { leaseHolders } from '../clients/holders.ts';
import { configuredMtus, type LinkMtu } from '../clients/link-mtu.ts';
import type { ConfiguredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/iso-time.ts';
import { OF_DNS } from '../resources/resource-names.ts';
import { paint, print, shown } from './output/output.ts';

export interface Remains {
  readonly renewals: readonly Renewal[];
  readonly mtus: readonly LinkMtu[];
}

interface Renewal {
  /** "dhclient[812] on eth0". */
  readonly client: string;
  /** ISO 8601; null if the time is unknown. */
  readonly renews: string | null;
  /** The lines that the renewal would write to resolv.conf, and that resolv.conf does not have now. */
  readonly writes: readonly string[];
}

export const NOTHING_REMAINS: Remains = { renewals: [], mtus: [] };

/** The resources that hold an MTU. */
const OF_MTU: readonly string[] = ['hooks', 'dhclient', 'dhcpcd', 'udhcpc', 'networkd', 'networkmanager-dhcp'];

/** `desired`: null if there is no valid configuration. `only`: the resources that were put back; all if undefined. */
export function remainsOf(host: Host, desired: ConfiguredState | null, only: readonly string[] | undefined): Remains {
  const touches = (names: readonly string[]) => only?.some((name) => names.includes(name)) ?? true;
  return {
    renewals: touches(OF_DNS) ? otherwiseAtRenewal(host) : [],
    mtus: desired !== null && touches(OF_MTU) ? configuredMtus(host, desired, leaseHolders(host)) : [],
  };
}

export function tellRemains({ renewals, mtus }: Remains): void {
  for (const { client, renews, writes } of renewals) {
    print(
      paint('yellow', `${shown(client)} still uses the dhclient.conf that it read at its start: `) +
        `at its next renewal${renews === null ? '' : `, ${renews},`} it writes ${shown(writes.join('; '))}. Start it again to end that.`,
    );
  }
  for (const { name, mtu } of mtus) {
    print(
      paint(
        'yellow',
        `${shown(name)} still has the MTU ${mtu} of the configuration, and no DHCP client sets it back. `,
      ) +
        `If ${shown(name)} had another MTU before, reboot, or run: ip link set dev ${shown(name)} mtu 1500 (or the earlier number)`,
    );
  }
}

/**
 * Renewals that would change resolv.conf: dhclient keeps the dhclient.conf that it read at its start, and our hook is
 * gone. At a renewal of DHCPv6 the script writes only values that the server has changed.
 */
function otherwiseAtRenewal(host: Host): Renewal[] {
  // A hook that stays, because it could not be removed or was not to be, goes on holding.
  const places = hookPlaces(host);
  if (places !== null && hasOwnHook(host, places, 'enter')) return [];
  const there = new Set((readable(host) ?? '').split('\n').map(undotted));
  const clients = dhcpClients(host).filter(({ family }) => family === 4);
  return clients.flatMap((client) =>
    client.interfaces.flatMap((name) => {
      const lease = currentLease(host, client, name);
      const writes = lease === null ? [] : resolvConfWithoutHook(lease).filter((line) => !there.has(undotted(line)));
      if (lease === null || writes.length === 0) return [];
      const renews = lease.renew === null ? null : isoTime(lease.renew);
      return [{ client: clientName(client), renews, writes }];
    }),
  );
}

/** The present resolv.conf; null if it is missing or unreadable, which has an outcome of its own. */
function readable(host: Host): string | null {
  try {
    return host.readText('/etc/resolv.conf');
  } catch {
    return null;
  }
}

/** The line without the final dots of names, so that both spellings compare as equal. */
function undotted(line: string): string {
  return line.trim().replace(/\.(?=\s|$)/g, '');
}
