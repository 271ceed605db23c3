/**
 * The links that systemd-networkd manages, as it writes them down for systemd-resolved to read: one file a link in /run,
 * by its index, written anew whenever something changed. "Private data", so only a few keys are read, which every
 * systemd since 247 writes alike: what is not understood is a link that is not managed.
 */
import type { Host } from '../../host/host.ts';
import { linkNames } from '../link-names.ts';

const LINKS = '/run/systemd/netif/links';
/** Written anew whenever systemd-networkd has started, or what it says of all links has changed. */
export const NETWORKD_STATE = '/run/systemd/netif/state';
const LEASES = '/run/systemd/netif/leases';

export interface NetworkdLink {
  readonly name: string;
  /** The file in /run with this state. */
  readonly state: string;
  /** Name of the `.network` file that it took for this link, without its folder. */
  readonly networkFile: string;
  /** Name servers from every source: resolvectl, its files, leases. */
  readonly servers: readonly string[];
  /** Search domains, and routing domains as `~name` (`~.`: every name). */
  readonly domains: readonly string[];
  /** Has a DHCPv4 lease with a router. */
  readonly leased: boolean;
  /** Has an address by which others are reached: then systemd-resolved writes its servers and domains for libc. */
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
