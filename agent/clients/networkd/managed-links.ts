/**
 * The links that systemd-networkd manages, from the files that it writes for systemd-resolved: one file for each link
 * in /run, by index, written anew at each change. systemd calls them "private data", so we read only a few keys, which
 * every systemd since 247 writes alike. A file that we do not understand counts as a link that is not managed.
 */
import type { Host } from '../../host/host.ts';
import { linkNames } from '../link-names.ts';

const LINKS = '/run/systemd/netif/links';
/** systemd-networkd writes this file at its start, and when the combined state of all links changes. */
export const NETWORKD_STATE = '/run/systemd/netif/state';
/** One file for each link with a DHCPv4 lease, by the link's index. */
export const NETWORKD_LEASES = '/run/systemd/netif/leases';

export interface NetworkdLink {
  readonly name: string;
  /** The file in /run with this state. */
  readonly state: string;
  /** Name, without the folder, of the `.network` file that systemd-networkd chose for this link. */
  readonly networkFile: string;
  /** Name servers from every source: resolvectl, its files, leases. */
  readonly servers: readonly string[];
  /** Search domains, and routing domains as `~name` (`~.`: every name). */
  readonly domains: readonly string[];
  /** Time servers from every source: timedatectl, its files, leases. */
  readonly ntp: readonly string[];
  /** The link has a DHCPv4 lease with a router. */
  readonly leased: boolean;
  /**
   * The link has an address that other hosts can reach. systemd-resolved then writes the link's servers and domains for
   * libc.
   */
  readonly routable: boolean;
}

export function networkdLinks(host: Host): NetworkdLink[] {
  let names: Map<string, string> | null = null;
  return host.list(LINKS).flatMap((index) => {
    const state = `${LINKS}/${index}`;
    const values = networkdVariables(host.readText(state) ?? '');
    const networkFile = /\/([^/]+\.network)$/.exec(values.get('NETWORK_FILE') ?? '')?.[1];
    if (networkFile === undefined) return [];
    names ??= linkNames(host);
    const name = names.get(index);
    if (name === undefined) return [];
    const search = networkdWords(values.get('DOMAINS'));
    const routing = networkdWords(values.get('ROUTE_DOMAINS')).map((domain) => `~${domain}`);
    const leased = networkdVariables(host.readText(`${NETWORKD_LEASES}/${index}`) ?? '').has('ROUTER');
    const servers = networkdWords(values.get('DNS'));
    const routable = values.get('OPER_STATE') === 'routable';
    const ntp = networkdWords(values.get('NTP'));
    return [{ name, state, networkFile, servers, domains: [...search, ...routing], ntp, leased, routable }];
  });
}

/** The file of the link's DHCPv4 lease, which exists while there is a lease. */
export function leaseFileOf({ state }: NetworkdLink): string {
  return `${NETWORKD_LEASES}/${state.slice(state.lastIndexOf('/') + 1)}`;
}

/** The address of the link's DHCPv4 lease; null if there is no lease. */
export function leasedAddress(host: Host, link: NetworkdLink): string | null {
  return networkdVariables(host.readText(leaseFileOf(link)) ?? '').get('ADDRESS') ?? null;
}

/** The variables of a file that systemd-networkd writes: `KEY=value` lines. */
export function networkdVariables(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, key, value]) => [key ?? '', value ?? '']));
}

export function networkdWords(list = ''): string[] {
  return list.split(' ').filter((word) => word !== '');
}
