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
const LEASES = '/run/systemd/netif/leases';

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
    const values = variables(host.readText(state) ?? '');
    const networkFile = /\/([^/]+\.network)$/.exec(values.get('NETWORK_FILE') ?? '')?.[1];
    if (networkFile === undefined) return [];
    names ??= linkNames(host);
    const name = names.get(index);
    if (name === undefined) return [];
    const search = words(values.get('DOMAINS'));
    const routing = words(values.get('ROUTE_DOMAINS')).map((domain) => `~${domain}`);
    const leased = variables(host.readText(`${LEASES}/${index}`) ?? '').has('ROUTER');
    const servers = words(values.get('DNS'));
    const routable = values.get('OPER_STATE') === 'routable';
    return [{ name, state, networkFile, servers, domains: [...search, ...routing], leased, routable }];
  });
}

function variables(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, key, value]) => [key ?? '', value ?? '']));
}

function words(list = ''): string[] {
  return list.split(' ').filter((word) => word !== '');
}
