/** The meaning of `dhcp` for udhcpc on one interface: variables of its script. busybox 1.35 names them. */
import type { DesiredDhcp, IgnoredOffer } from '../../config/desired.ts';
import type { OptionDefinition } from '../../config/notation/dhcp-options.ts';
import { wantedIn } from '../dhclient/conf/wanted.ts';
import { classlessRoutes, hookValue, ignoredOffers } from '../hook-values.ts';

/** The variable of each option, by the option's name in dhclient.conf(5). */
export const UDHCPC_VARIABLES: Readonly<Record<string, string>> = {
  'time-offset': 'timezone',
  routers: 'router',
  'domain-name-servers': 'dns',
  'lpr-servers': 'lprsrv',
  'host-name': 'hostname',
  'boot-size': 'bootsize',
  'domain-name': 'domain',
  'swap-server': 'swapsrv',
  'root-path': 'rootpath',
  'default-ip-ttl': 'ipttl',
  'interface-mtu': 'mtu',
  'broadcast-address': 'broadcast',
  'nis-domain': 'nisdomain',
  'nis-servers': 'nissrv',
  'ntp-servers': 'ntpsrv',
  'netbios-name-servers': 'wins',
  'tftp-server-name': 'tftp',
  'bootfile-name': 'bootfile',
  pcode: 'tzstr',
  tcode: 'tzdbstr',
  'domain-search': 'search',
  'rfc3442-classless-static-routes': 'staticroutes',
  'ms-classless-static-routes': 'msstaticroutes',
  'loader-configfile': 'pxeconffile',
  'loader-pathprefix': 'pxepathprefix',
  'loader-reboottime': 'reboottime',
  wpad: 'wpad',
};

const VARIABLES_OF_OFFER: Readonly<Record<IgnoredOffer, readonly string[]>> = {
  routers: ['router'],
  'classless-routes': ['staticroutes', 'msstaticroutes'],
  // udhcpc takes no advertisements: the kernel does (agent/config/sysctl/advertisement-sysctls.ts).
  'router-advertisements': [],
};

/** The variable and its value, or why udhcpc's script cannot be given one. */
export function variableOf(
  { name, format }: OptionDefinition,
  values: readonly string[],
): { readonly name: string; readonly value: string } | { readonly why: string } {
  if (name.startsWith('dhcp6.')) return { why: 'udhcpc is a client of DHCPv4 only' };
  const variable = UDHCPC_VARIABLES[name];
  if (variable === undefined) return { why: `udhcpc gives its script no variable for ${name}` };
  const isRoutes = VARIABLES_OF_OFFER['classless-routes'].includes(variable);
  const value = isRoutes ? classlessRoutes(values) : hookValue(format, values);
  return value === null ? { why: 'the bytes are no routes of RFC 3442' } : { name: variable, value };
}

/** Variables by name; an empty one hides the offer from the script. `iface`: null for all other interfaces. */
export function wantedOfUdhcpc(dhcp: DesiredDhcp, iface: string | null): ReadonlyMap<string, string> {
  const set = wantedIn(dhcp, iface).flatMap(({ definition, values }) => {
    const found = variableOf(definition, values);
    return 'why' in found ? [] : [[found.name, found.value] as const];
  });
  const hidden = ignoredOffers(dhcp, iface).flatMap((offer) => VARIABLES_OF_OFFER[offer]);
  return new Map([...set, ...hidden.map((name) => [name, ''] as const)]);
}
