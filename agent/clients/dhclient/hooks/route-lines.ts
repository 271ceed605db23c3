/**
 * The hooks' part in routes. The enter hook keeps ignored offers from dhclient-script. The exit hook makes the
 * configured routes again if an event may have removed them (with its address, or its interface).
 */
import { familyOf } from '../../../address/address.ts';
import {
  type DesiredDhcp,
  type DesiredNexthop,
  type DesiredRoute,
  type IgnoredOffer,
  isWritten,
} from '../../../config/desired.ts';
import { HOLDFAST } from '../../../host/netlink/table-names.ts';
import { HOOK_ROUTES } from '../../../host/paths.ts';
import { quote } from '../../../resolver/compose-sh.ts';
import { ignoredOffers } from '../../hook-values.ts';

/** dhclient-script's names: Debian's, Microsoft's in both spellings, RHEL's. */
const OFFERS: Readonly<Partial<Record<IgnoredOffer, readonly string[]>>> = {
  routers: ['new_routers'],
  'classless-routes': [
    'new_rfc3442_classless_static_routes',
    'new_ms_classless_static_routes',
    'new_classless_static_routes',
  ],
};

/** Lines of the enter hook; empty if every offer is taken. Routes that are already in the kernel stay. */
export function ignoreOffers(dhcp: DesiredDhcp): string {
  const { global, interfaces } = dhcp;
  const empty = (offers: readonly IgnoredOffer[], indent: string) =>
    offers
      .flatMap((offer) => OFFERS[offer] ?? [])
      .map((name) => `${indent}command export ${name}='' 2>/dev/null || :\n`)
      .join('');
  const ignored = [...interfaces.keys()].map((name) => [name, ignoredOffers(dhcp, name)] as const);
  const common = global.ignore.filter((offer) => ignored.every(([, offers]) => offers.includes(offer)));
  const branch = (pattern: string, offers: readonly IgnoredOffer[]) =>
    `    ${pattern})\n${empty(
      offers.filter((offer) => !common.includes(offer)),
      '        ',
    )}        ;;\n`;
  const isOther = (offers: readonly IgnoredOffer[]) => offers.join() !== global.ignore.join();
  const own = ignored.filter(([, offers]) => isOther(offers)).map(([name, offers]) => branch(quote(name), offers));
  const rest = common.length === global.ignore.length ? [] : [branch('*', global.ignore)];
  const cases = [...own, ...rest].join('');
  const branches = cases === '' ? '' : `    case "\${interface-}" in\n${cases}    esac\n`;
  const all = empty(common, '    ') + branches;
  return all === '' ? '' : `    # Not to be taken, whatever the server offers.\n${all}`;
}

/**
 * Lines of the exit hook; empty if it can name no route. They start one process, and only at an event that may have
 * removed a route. IPv4 routes go with their address. The kernel removes all IPv6 routes with the link. With an IPv6
 * address it removes every route to the address' own network (cleanup_prefix_route), the configured one also. PREINIT6 flushes the
 * permanent addresses of the interface.
 */
export function routesAgain(routes: readonly DesiredRoute[]): string {
  const own = routes.filter(isWritten);
  if (own.length === 0) return '';
  const record = JSON.stringify(
    own.map(({ family, to, table, metric }) => ({
      family,
      destination: to,
      table,
      metric,
      wish: null,
      replaced: null,
    })),
  );
  return `
case "\${reason-}/\${old_ip_address-}" in
BOUND/* | REBOOT/* | TIMEOUT/*) holdfast_routes=again ;;
RENEW/"\${new_ip_address-}" | REBIND/"\${new_ip_address-}") holdfast_routes='' ;;
RENEW/* | REBIND/*) holdfast_routes=again ;;
RENEW6/* | REBIND6/*)
    # A stateless dhclient (-S) asks once, when it starts, and has neither.
    holdfast_routes=again
    case "/\${old_ip6_address-}/\${old_ip6_prefix-}" in
    //) ;;
    "/\${new_ip6_address-}/\${new_ip6_prefix-}") holdfast_routes='' ;;
    esac
    ;;
PREINIT6/* | BOUND6/* | EXPIRE6/* | RELEASE6/* | STOP6/*) holdfast_routes=again ;;
*) holdfast_routes='' ;;
esac
if [ -n "$holdfast_routes" ]; then
    # Those that are there already stay as they are. The agent has to know whose they are.
    printf '%s\\n' ${quote(record)} 2>/dev/null >|${HOOK_ROUTES} || :
    ip -force -batch - >/dev/null 2>&1 <<'HOLDFAST' || :
${directFirst(own).map(ipLine).join('')}HOLDFAST
fi
unset holdfast_routes
`;
}

/** A route without a gateway may be the kernel's way to the gateway of another route. */
function directFirst(routes: readonly DesiredRoute[]): DesiredRoute[] {
  const isDirect = ({ nexthops }: DesiredRoute) => nexthops.length > 0 && nexthops.every(({ via }) => via === null);
  return [...routes.filter(isDirect), ...routes.filter((route) => !isDirect(route))];
}

/** A line for `ip -batch` (ip-route(8)). */
function ipLine(route: DesiredRoute): string {
  const { to, family, type, nexthops, nexthopId, table, metric, src, mtu, takeOver } = route;
  const [only, ...more] = nexthops;
  const words = [
    `route ${takeOver ? 'replace' : 'add'} ${type} ${to} proto ${HOLDFAST} table ${table} metric ${metric}`,
    ...(src === null ? [] : [`src ${src}`]),
    ...(mtu === null ? [] : [`mtu ${mtu}`]),
    ...(nexthopId === null ? [] : [`nhid ${nexthopId}`]),
    ...(only !== undefined && more.length === 0 ? [hopWords(only, family)] : []),
    ...(more.length > 0 ? nexthops.map((hop) => `nexthop ${hopWords(hop, family)} weight ${hop.weight}`) : []),
  ];
  return `${words.join(' ')}\n`;
}

function hopWords({ via, dev, onlink }: DesiredNexthop, family: DesiredRoute['family']): string {
  const other = family === 'ipv4' && typeof via === 'string' && familyOf(via) === 'ipv6' ? 'inet6 ' : '';
  const gateway = via === null ? [] : [`via ${other}${via}`];
  return [...gateway, ...(dev === null ? [] : [`dev ${dev}`]), ...(onlink ? ['onlink'] : [])].join(' ');
}
