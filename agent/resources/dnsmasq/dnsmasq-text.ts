/**
 * The options that dnsmasq hands to DHCP clients behind this host. Classless static routes (RFC 3442) are option 121, and
 * Microsoft's 249. A client that takes 121 ignores option 3 (routers), so the default route is included. Other clients go by
 * option 3. Option 6 is the name servers, and 119 the search domains (RFC 3397).
 */
import ipaddr from 'ipaddr.js';
import { clientsServer } from '../../address/clients-server.ts';
import type { DesiredDns, DesiredNetwork } from '../../config/desired.ts';
import { ROUTE_TYPE } from '../../host/netlink/routes/route.ts';
import { MAIN_TABLE } from '../../host/netlink/table-names.ts';
import type { WantedRoute } from '../../metadata/wanted-routes.ts';

export const DNSMASQ_HEADER =
  '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';
const ROUTERS = 3;
const NAME_SERVERS = 6;
const SEARCH = 119;
const CLASSLESS_ROUTES = [121, 249];
const ANYWHERE = '0.0.0.0/0';

/** The part of `dns` that clients get. */
export type ToldDns = Pick<DesiredDns, 'nameservers' | 'search'>;

/** The text of the file that dnsmasq(8) reads. `dns`: null if the clients get nothing of it. */
export function dnsmasqText(
  networks: readonly DesiredNetwork[],
  routes: readonly WantedRoute[],
  dns: ToldDns | null,
): string {
  const lines = networks.flatMap(({ router, tag }) => {
    const [address = ''] = router.split('/');
    const pairs = classlessRoutes(router, routes).map(({ to, via }) => `${to},${via}`);
    const options: [number, readonly string[]][] = [
      [ROUTERS, [address]],
      ...CLASSLESS_ROUTES.map((option): [number, string[]] => [option, pairs]),
      [NAME_SERVERS, [...new Set(dns?.nameservers?.flatMap((server) => clientsServer(server, address) ?? []))]],
      [SEARCH, dns?.search?.filter((domain) => domain !== '.') ?? []],
    ];
    const head = tag === null ? '' : `tag:${tag},`;
    const told = options.filter(([, values]) => values.length > 0);
    return told.map(([option, values]) => `dhcp-option=${head}${option},${values.join(',')}\n`);
  });
  return DNSMASQ_HEADER + lines.join('');
}

/**
 * The routes of a client in the network of `router` (`10.99.0.1/24`). A next hop in the client's network is handed out
 * as it is; otherwise this host is the next hop. Routes of other tables are left out, because rules of this host choose
 * their packets. Routes that lead nowhere are left out as well.
 */
function classlessRoutes(router: string, routes: readonly WantedRoute[]): { to: string; via: string }[] {
  const [address = ''] = router.split('/');
  const network = ipaddr.IPv4.networkAddressFromCIDR(router);
  const own = `${network}/${router.split('/')[1]}`;
  const found = new Map([[ANYWHERE, address]]);
  const eligible = routes.filter(({ family, table, type }) => {
    return family === 'ipv4' && table === MAIN_TABLE && type === ROUTE_TYPE.unicast;
  });
  for (const { destination, hops } of eligible.toSorted((a, b) => a.metric - b.metric)) {
    if (found.has(destination) || destination === own) continue;
    const [hop, ...others] = hops;
    const direct = others.length === 0 && isIn(hop?.gateway ?? null, router);
    found.set(destination, direct ? (hop?.gateway as string) : address);
  }
  return [...found].map(([to, via]) => ({ to, via }));
}

function isIn(gateway: string | null, network: string): boolean {
  if (gateway === null || !ipaddr.IPv4.isValid(gateway)) return false;
  return ipaddr.IPv4.parse(gateway).match(ipaddr.IPv4.parseCIDR(network));
}
