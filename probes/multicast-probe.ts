/**
 * Multicast groups: whether the expected groups are joined, and whether a querier asks for them. A switch that snoops
 * IGMP or MLD forwards a group only to ports where a host reported it lately. Hosts report when a querier asks. Without
 * a querier the group works for some minutes after a start, and then goes silent (RFC 4541).
 */
import { type Family, familyOf } from '../agent/address/address.ts';
import type { ExpectedGroup } from '../agent/config/desired-daemon.ts';
import { isForTheLink } from '../agent/config/notation/multicast-groups.ts';
import type { Host } from '../agent/host/host.ts';
import type { hearIgmpQueries } from '../agent/host/kernel/igmp-queries.ts';
import { type Joined, joinedGroups } from '../agent/host/kernel/multicast.ts';
import { type Heard, heardByDaemon, monotonic, QueryWatch } from './multicast/watch.ts';
import { type Condition, type EventSeverity, type Occurrence, type Probe, type Reading, sample } from './probe.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
const QUERIES = { ipv4: 'IGMP', ipv6: 'MLD' } as const;
/** The most interfaces reported besides the expected ones. A host with containers may have thousands. */
const MOST = 32;

type Interfaces = Readonly<Record<Family, ReadonlyMap<string, Joined> | null>>;

/** `lasting`: listens to queries from the first reading on. Otherwise reports what the daemon heard. */
export function multicastProbe(
  host: Host,
  expected: readonly ExpectedGroup[],
  { lasting, listen }: { lasting: boolean; listen?: typeof hearIgmpQueries },
): Probe {
  const watch = lasting && expected.length > 0 ? new QueryWatch(host, listen) : null;
  /** Interfaces on which the kernel knew of a querier of version 1 or 2. */
  const hadQuerier = new Set<string>();
  /** The querier last reported, by interface. */
  const queriers = new Map<string, string>();
  const devices = (family: Family) => [...new Set(expected.filter(of(family)).map(({ dev }) => dev))];

  const ofInterface = (device: string, family: Family, joined: Interfaces[Family], heard: Heard | null): Reading[] => {
    const groups = expected.filter(of(family)).filter((one) => one.dev === device && isJoined(one, joined));
    const version = olderVersion(host, device, joined?.get(device));
    if (version !== null) hadQuerier.add(device);
    const told = [
      ...queries(device, family, heard?.version ?? version, heard),
      ...(watch === null ? [] : newQuerier(device, heard, queriers)),
    ];
    if (groups.length === 0) return told;
    if (heard !== null) return [...told, ...silence(groups, family, heard)];
    const deaf = family === 'ipv4' ? (watch?.deaf ?? null) : null;
    if (deaf === null || version !== null) return told;
    return [...told, deafness(groups, hadQuerier.has(device), deaf)];
  };

  return {
    name: 'multicast',
    cost: 'constant',
    async read() {
      const joined: Interfaces = { ipv4: joinedGroups(host, 'ipv4'), ipv6: joinedGroups(host, 'ipv6') };
      await watch?.update({ ipv4: devices('ipv4'), ipv6: devices('ipv6') }, joined);
      const byDaemon = watch === null ? heardByDaemon(host) : null;
      const heard = (device: string, family: Family) =>
        watch?.heard(device, family) ?? byDaemon?.(device, family) ?? null;
      return FAMILIES.flatMap((family) => [
        ...counts(joined[family], family, devices(family)),
        ...expected.filter(of(family)).flatMap((one) => membership(one, family, joined[family])),
        ...devices(family).flatMap((device) => ofInterface(device, family, joined[family], heard(device, family))),
      ]);
    },
    close: async () => watch?.close(),
  };
}

/**
 * 1 or 2 if the kernel itself heard such a querier lately; null if not, or if the version is forced by configuration.
 */
function olderVersion(host: Host, device: string, joined: Joined | undefined): 1 | 2 | null {
  if (joined === undefined || joined.version === null || joined.version === 3) return null;
  const forced = ['all', device].some((one) => (host.sysctl(`net/ipv4/conf/${one}/force_igmp_version`) ?? '0') !== '0');
  return forced ? null : joined.version;
}

/** Groups that switches may prune, by interface. */
function counts(joined: Interfaces[Family], family: Family, wanted: readonly string[]): Reading[] {
  const all = [...(joined ?? [])].map(([device, { groups }]): [string, number] => {
    return [device, groups.filter((group) => !isForTheLink(group) && !group.startsWith('ff02:')).length];
  });
  const told = all.filter(([device, count]) => wanted.includes(device) || count > 0);
  const first = told.sort(([a], [b]) => Number(wanted.includes(b)) - Number(wanted.includes(a)) || (a < b ? -1 : 1));
  return first
    .slice(0, Math.max(MOST, wanted.length))
    .map(([device, count]) => sample('system.network.multicast.groups', count, attributesOf(device, family)));
}

function queries(device: string, family: Family, version: number | null, heard: Heard | null): Reading[] {
  const attributes = attributesOf(device, family);
  const at = heard?.at ?? null;
  return [
    ...(at === null
      ? []
      : [sample('system.network.multicast.query.age', Math.max(0, monotonic() - at) / 1000, attributes)]),
    ...(version === null ? [] : [sample('system.network.multicast.querier.version', version, attributes)]),
  ];
}

/** Reports a new querier, or a new version of a querier, because hosts then also speak that version. */
function newQuerier(device: string, heard: Heard | null, told: Map<string, string>): Occurrence[] {
  if (heard === null || heard.from === null || heard.version === null) return [];
  const is = `${heard.from} (IGMPv${heard.version})`;
  const was = told.get(device);
  told.set(device, is);
  if (is === was) return [];
  const body = `the querier on ${device} is ${is}${was === undefined ? '' : `; it was ${was}`}`;
  const attributes = { ...attributesOf(device, 'ipv4'), querier: heard.from, version: heard.version };
  return [{ kind: 'event', name: 'holdfast.multicast.querier', severity: 'info', time: Date.now(), body, attributes }];
}

function membership(one: ExpectedGroup, family: Family, joined: Interfaces[Family]): Reading[] {
  const { group, dev } = one;
  const is = isJoined(one, joined);
  const attributes = { ...attributesOf(dev, family), group };
  const value = sample('holdfast.multicast.joined', is ? 1 : 0, attributes);
  if (is) return [value];
  const why = joined?.has(dev)
    ? `No program on this host has joined ${group} on ${dev}`
    : `There is no ${dev} to join ${group} on`;
  return [
    value,
    {
      kind: 'condition',
      code: 'group-not-joined',
      severity: 'warn',
      body: `${why}; it is expected (expect.groups)`,
      attributes,
    },
  ];
}

/** The conditions of groups that are joined on one interface where queries are heard. */
function silence(groups: readonly ExpectedGroup[], family: Family, heard: Heard): Condition[] {
  const limit = Math.min(...groups.map((one) => one.silence));
  const silent = monotonic() - (heard.at ?? heard.since);
  if (silent < limit / 2) return [];
  const none = `but no ${QUERIES[family]} query heard for ${Math.round(silent / 1000)} s`;
  if (silent >= limit) return [condition('multicast-querier-silent', 'error', groups, family, `${none}: ${PRUNED}`)];
  const left = `a snooping switch prunes this port ${Math.round((limit - silent) / 1000)} s from now; enable a querier`;
  return [condition('multicast-querier-late', 'warn', groups, family, `${none}: ${left}`)];
}

const PRUNED = 'a snooping switch will have pruned this port; enable a querier';

/**
 * The conditions of groups for which no query is heard. `lost`: the kernel knew of a querier, which it forgets 260 s
 * after its last query.
 */
function deafness(groups: readonly ExpectedGroup[], lost: boolean, why: string): Condition {
  const cannot = `cannot be heard: ${why} (docs/multicast.md)`;
  return lost
    ? condition(
        'multicast-querier-silent',
        'error',
        groups,
        'ipv4',
        `but its querier was not heard for 260 s: ${PRUNED}. One of IGMPv3 ${cannot}`,
      )
    : condition('multicast-unheard', 'info', groups, 'ipv4', `but IGMP queries ${cannot}`);
}

function condition(
  code: string,
  severity: EventSeverity,
  groups: readonly ExpectedGroup[],
  family: Family,
  what: string,
): Condition {
  const { dev } = groups[0]!;
  const body = `${groups.map(({ group }) => group).join(', ')} joined on ${dev}, ${what}`;
  return { kind: 'condition', code, severity, body, attributes: attributesOf(dev, family) };
}

function isJoined({ group, dev }: ExpectedGroup, joined: Interfaces[Family]): boolean {
  return joined?.get(dev)?.groups.includes(group) ?? false;
}

function of(family: Family) {
  return ({ group }: ExpectedGroup) => familyOf(group) === family;
}

function attributesOf(device: string, family: Family) {
  return { 'network.interface.name': device, 'network.type': family };
}
