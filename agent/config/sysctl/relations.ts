/**
 * Kernel settings that are one variable under several names, and settings that the kernel writes together with another
 * setting. Each relation was measured: every key of net was written in a network namespace, and all other keys were
 * compared (Linux 6.18). Keys that only the first network namespace can write are from the sources: net/ipv4/devinet.c,
 * net/ipv6/addrconf.c, net/core/neighbour.c, net/netfilter/nf_conntrack_standalone.c, net/ipv4/route.c,
 * mm/page-writeback.c, mm/util.c.
 */

/** The same variable with the same notation. */
const SAME: ReadonlyMap<string, string> = new Map([
  ['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding'],
  ['net/nf_conntrack_max', 'net/netfilter/nf_conntrack_max'],
]);

/** One limit in two units. The kernel keeps the unit that was written last, and sets the second key to 0. */
const OR_ZERO = [
  ['vm/dirty_ratio', 'vm/dirty_bytes'],
  ['vm/dirty_background_ratio', 'vm/dirty_background_bytes'],
  ['vm/overcommit_ratio', 'vm/overcommit_kbytes'],
] as const;

/** The same variable in other units or words: the first name of each pair leads to the second. */
const TWINS: readonly (readonly [RegExp, string])[] = [
  [/^(net\/ipv[46]\/neigh\/[^/]+\/(?:base_reachable_time|retrans_time))$/, '$1_ms'],
  [/^(net\/ipv[46]\/neigh\/[^/]+\/unres_qlen)$/, '$1_bytes'],
  [/^(net\/ipv[46]\/route\/gc_min_interval)$/, '$1_ms'],
  ...OR_ZERO.map(([one, other]) => [new RegExp(`^${one}$`), other] as const),
  [/^net\/mptcp\/pm_type$/, 'net/mptcp/path_manager'],
];

/** Milliseconds of one unit, for those TWINS that hold a time. */
const UNITS: Readonly<Record<string, number>> = { base_reachable_time: 1000, retrans_time: 10, gc_min_interval: 1000 };

/** The kernel copies a value of conf/all to every interface, and for most keys also to conf/default. */
const OF_ALL: Readonly<Record<string, readonly string[]>> = {
  ipv4: ['forwarding'],
  ipv6: ['forwarding', 'disable_ipv6', 'addr_gen_mode', 'ignore_routes_with_linkdown', 'force_forwarding'],
};

/** A key of one interface, or of `all` or `default`: `net/ipv4/conf/eth0/forwarding`. */
interface InterfaceKey {
  readonly family: string;
  readonly scope: string;
  readonly name: string;
}

/** null for any other key. Every setting is split, several times, and an expression for this takes longer to compile. */
function interfaceKey(path: string): InterfaceKey | null {
  const [net, family = '', conf, scope = '', name = '', ...more] = path.split('/');
  const isKey = net === 'net' && Object.hasOwn(OF_ALL, family) && conf === 'conf' && scope !== '' && more.length === 0;
  return isKey ? { family, scope, name } : null;
}

/** The interface, `all` or `default`, if the path is its IPv6 key of this name; undefined for any other path. */
export function scopeOfIpv6(path: string, wanted: string): string | undefined {
  const key = interfaceKey(path);
  return key?.family === 'ipv6' && key.name === wanted ? key.scope : undefined;
}

/** The main name of a variable with several names. */
export function sysctlVariable(path: string): string {
  return SAME.get(path) ?? path;
}

/** The main name of a variable with several names, also for names with other units. */
export function sysctlVariableOrTwin(path: string): string {
  const twin = TWINS.find(([pattern]) => pattern.test(path));
  return twin === undefined ? sysctlVariable(path) : path.replace(twin[0], twin[1]);
}

/** Every name of this variable. */
export function sysctlNamesOf(path: string): string[] {
  const variable = sysctlVariable(path);
  return [variable, ...[...SAME].flatMap(([other, one]) => (one === variable ? [other] : []))];
}

/** The path of conf/all that also sets this path when it is written; null if there is none. */
export function sysctlSetter(path: string): string | null {
  const { family, scope, name } = interfaceKey(path) ?? { family: '', scope: 'all', name: '' };
  if (scope === 'all' || !OF_ALL[family]!.includes(name) || (scope === 'default' && name === 'force_forwarding'))
    return null;
  return `net/${family}/conf/all/${name}`;
}

/** Whether writing this variable sets others. */
export function setsOthers(variable: string): boolean {
  return scopeOfIpv6(variable, SECRET) !== undefined || sysctlSetter(variable.replace('/all/', '/lo/')) === variable;
}

/**
 * Whether the kernel ignores a value that the variable already has, so that dependent variables stay as they are. Both
 * variables begin as 0.
 */
export function needsChange(variable: string): boolean {
  return (
    variable === FORWARDING ||
    variable === 'net/ipv6/conf/all/force_forwarding' ||
    OR_ZERO.some((pair) => pair.some((one) => one === variable))
  );
}

/** Another variable that also sets this variable when it is written. */
export interface SysctlSource {
  readonly of: string;
  /**
   * `all`: sets the same value. `effect`: sets a value that follows from the written value. `units`: the same variable
   * in other units.
   */
  readonly way: 'all' | 'effect' | 'units';
  readonly value: (set: string) => string;
}

export function sysctlSources(variable: string): SysctlSource[] {
  const setter = sysctlSetter(variable);
  const scope = scopeOfIpv6(variable, 'addr_gen_mode') ?? 'all';
  const secrets = ['all', 'default'].includes(scope) ? [] : [scope, 'default'];
  return [
    ...timeTwin(variable),
    ...OR_ZERO.flatMap((pair) => {
      const other = pair.find((one) => one !== variable);
      return other === undefined || !pair.some((one) => one === variable)
        ? []
        : [{ of: other, way: 'units', value: () => '0' } as const];
    }),
    ...(setter === null ? [] : [{ of: setter, way: 'all', value: (set: string) => set } as const]),
    // A host that forwards IPv4 accepts no redirects, and a host that does not forward accepts them.
    ...(variable === REDIRECTS
      ? [
          {
            of: FORWARDING,
            way: 'effect',
            value: (set: string) => (Number.parseInt(set, 10) === 0 ? '1' : '0'),
          } as const,
        ]
      : []),
    // If there is a secret, the kernel makes addresses from it.
    ...secrets.map((one) => ({ of: `net/ipv6/conf/${one}/stable_secret`, way: 'effect', value: () => '2' }) as const),
  ];
}

/** The same time in milliseconds, or in the larger unit, which the kernel shows as whole numbers. */
function timeTwin(variable: string): SysctlSource[] {
  const name = variable.slice(variable.lastIndexOf('/') + 1);
  const larger = variable.replace(/_ms$/, '');
  const unit = UNITS[name.replace(/_ms$/, '')];
  if (unit === undefined || sysctlVariableOrTwin(larger) !== `${larger}_ms`) return [];
  const inMs = (set: string) => String(Number.parseInt(set, 10) * unit);
  const inUnits = (set: string) => String(Math.floor(Number.parseInt(set, 10) / unit));
  return name.endsWith('_ms')
    ? [{ of: larger, way: 'units', value: inMs }]
    : [{ of: `${larger}_ms`, way: 'units', value: inUnits }];
}

/** The variables that a write to this variable sets; `*` in the place of an interface means every interface. */
export function sysctlDependents(variable: string): string[] {
  const scope = scopeOfIpv6(variable, SECRET);
  if (scope !== undefined)
    return (scope === 'default' ? ['*', 'lo'] : [scope]).map((one) => `net/ipv6/conf/${one}/addr_gen_mode`);
  const twins = OR_ZERO.flatMap((pair) => (pair.some((one) => one === variable) ? pair : []));
  if (twins.length > 0) return twins.filter((one) => one !== variable);
  if (!setsOthers(variable)) return [];
  const others = ['default', '*', 'lo'].map((one) => variable.replace('/all/', `/${one}/`));
  return [...others, ...(variable === FORWARDING ? [REDIRECTS] : [])];
}

const FORWARDING = 'net/ipv4/conf/all/forwarding';
const REDIRECTS = 'net/ipv4/conf/all/accept_redirects';
const SECRET = 'stable_secret';
