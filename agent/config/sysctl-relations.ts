/**
 * Kernel settings that are one variable by several names, and those that the kernel writes together with another. Each was
 * measured: every key of net was written in a network namespace, and all others were compared (Linux 6.18). Sources:
 * net/ipv4/devinet.c, net/ipv6/addrconf.c, net/core/neighbour.c.
 */

/** The same variable in the same words. */
const SAME: ReadonlyMap<string, string> = new Map([['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding']]);

/** The same variable in other units or words: the first of each leads to the second. */
const TWINS: readonly (readonly [RegExp, string])[] = [
  [/^(net\/ipv[46]\/neigh\/[^/]+\/(?:base_reachable_time|retrans_time))$/, '$1_ms'],
  [/^(net\/ipv[46]\/neigh\/[^/]+\/unres_qlen)$/, '$1_bytes'],
  [/^(net\/ipv6\/route\/gc_min_interval)$/, '$1_ms'],
  [/^net\/mptcp\/pm_type$/, 'net/mptcp/path_manager'],
];

/** What is written to conf/all is written to every interface, and with most of them to conf/default. */
const OF_ALL =
  /^(net\/ipv4\/conf|net\/ipv6\/conf)\/([^/]+)\/(forwarding|disable_ipv6|addr_gen_mode|ignore_routes_with_linkdown|force_forwarding)$/;
const NOT_IPV4 = /^net\/ipv4\/.*\/(?!forwarding$)[^/]+$/;
const NOT_DEFAULT = /\/default\/force_forwarding$/;

/** The one name of a variable that has several. */
export function sysctlVariable(path: string): string {
  return SAME.get(path) ?? path;
}

/** The one name of a variable that has several, also in other units. */
export function sysctlVariableOrTwin(path: string): string {
  const twin = TWINS.find(([pattern]) => pattern.test(path));
  return twin === undefined ? sysctlVariable(path) : path.replace(twin[0], twin[1]);
}

/** Every name of this variable. */
export function sysctlNamesOf(path: string): string[] {
  const variable = sysctlVariable(path);
  return [variable, ...[...SAME].flatMap(([other, one]) => (one === variable ? [other] : []))];
}

/** The path of conf/all that, written, sets this one too; null: none. */
export function sysctlSetter(path: string): string | null {
  const [, folder, scope, name] = OF_ALL.exec(path) ?? [];
  if (scope === undefined || scope === 'all' || NOT_IPV4.test(path) || NOT_DEFAULT.test(path)) return null;
  return `${folder}/all/${name}`;
}

/** Whether this is the path of conf/all that sets others. */
export function setsOthers(path: string): boolean {
  return sysctlSetter(sysctlVariable(path).replace('/all/', '/lo/')) === sysctlVariable(path);
}

/** Whether the kernel passes over a value that the variable has already: what depends on it then stays as it is. Both begin as 0. */
export function needsChange(variable: string): boolean {
  return variable === 'net/ipv4/conf/all/forwarding' || variable === 'net/ipv6/conf/all/force_forwarding';
}

/** What a change of a variable makes of another one: a host that forwards IPv4 believes no redirects, and the other way round. */
export function sysctlEffect(path: string): { readonly of: string; readonly value: (set: string) => string } | null {
  if (path !== 'net/ipv4/conf/all/accept_redirects') return null;
  return { of: 'net/ipv4/conf/all/forwarding', value: (set) => (Number(set) === 0 ? '1' : '0') };
}
