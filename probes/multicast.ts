/**
 * Multicast groups: whether those that are expected are joined, and whether anybody asks for them. A switch that snoops IGMP or
 * MLD sends a group only to ports where somebody reported it lately, and hosts report when a querier asks: where there is none,
 * all works for some minutes after a start, and then the group goes silent (RFC 4541).
 */
import type { ExpectedGroup } from '../agent/config/daemon.ts';
import { isForTheLink } from '../agent/config/groups.ts';
import type { Host } from '../agent/host/host.ts';
import { type Joined, joinedGroups } from '../agent/host/multicast.ts';
import { type Family, type Heard, heardByDaemon, monotonic, QueryWatch } from './multicast/watch.ts';
import { type Condition, type Probe, type Reading, type Severity, sample } from './probe.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
const QUERIES = { ipv4: 'IGMP', ipv6: 'MLD' } as const;
/** Interfaces that are told of beside those that are expected: on a host of containers there may be thousands. */
const MOST = 32;

type Interfaces = Readonly<Record<Family, ReadonlyMap<string, Joined> | null>>;

/** `lasting`: queries are listened to from the first reading on; else what the daemon heard is told. */
export function multicastProbe(
  host: Host,
  expected: readonly ExpectedGroup[],
  { lasting }: { lasting: boolean },
): Probe {
  const watch = lasting && expected.length > 0 ? new QueryWatch(host) : null;
  const devices = (family: Family) => [...new Set(expected.filter(of(family)).map(({ dev }) => dev))];
  return {
    name: 'multicast',
    cost: 'constant',
    async read() {
      const joined: Interfaces = { ipv4: joinedGroups(host, 'ipv4'), ipv6: joinedGroups(host, 'ipv6') };
      await watch?.update({ ipv4: devices('ipv4'), ipv6: devices('ipv6') }, joined);
      const daemons = watch === null ? heardByDaemon(host) : null;
      const heard = (device: string, family: Family) =>
        watch?.heard(device, family) ?? daemons?.(device, family) ?? null;
      return FAMILIES.flatMap((family) => [
        ...counts(joined[family], family, devices(family)),
        ...devices(family).flatMap((device) =>
          queries(device, family, joined[family]?.get(device), heard(device, family)),
        ),
        ...expected.filter(of(family)).flatMap((one) => membership(one, family, joined[family])),
        ...devices(family).flatMap((device) => {
          const here = expected.filter(of(family)).filter((one) => one.dev === device && isJoined(one, joined[family]));
          const version = joined[family]?.get(device)?.version ?? null;
          return here.length === 0 ? [] : silence(here, family, heard(device, family), version, watch?.deaf ?? null);
        }),
      ]);
    },
    close: async () => watch?.close(),
  };
}

/** Groups that switches may leave out, by interface. */
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

function queries(device: string, family: Family, joined: Joined | undefined, heard: Heard | null): Reading[] {
  const attributes = attributesOf(device, family);
  const version = heard?.version ?? (joined?.version === 3 ? null : (joined?.version ?? null));
  const age = heard?.at === null || heard === null ? null : Math.max(0, monotonic() - heard.at) / 1000;
  return [
    ...(age === null ? [] : [sample('system.network.multicast.query.age', age, attributes)]),
    ...(version === null ? [] : [sample('system.network.multicast.querier.version', version, attributes)]),
  ];
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

/** Of groups that are joined on one interface. */
function silence(
  groups: readonly ExpectedGroup[],
  family: Family,
  heard: Heard | null,
  version: Joined['version'],
  deaf: string | null,
): Condition[] {
  const { dev } = groups[0]!;
  const names = groups.map(({ group }) => group).join(', ');
  const limit = Math.min(...groups.map((one) => one.silence));
  const condition = (code: string, severity: Severity, body: string): Condition => {
    return { kind: 'condition', code, severity, body, attributes: attributesOf(dev, family) };
  };
  if (heard === null) {
    // Of versions 1 and 2 the kernel knows by itself that a querier is there.
    if (deaf === null || version !== 3) return [];
    const body = `${names} joined on ${dev}, and whether anybody asks for it cannot be heard: ${deaf} (docs/multicast.md)`;
    return [condition('multicast-unheard', 'info', body)];
  }
  const silent = monotonic() - (heard.at ?? heard.since);
  const joined = `${names} joined on ${dev}, but no ${QUERIES[family]} query heard for ${Math.round(silent / 1000)} s`;
  if (silent >= limit) {
    const body = `${joined}: a snooping switch will have pruned this port; enable a querier`;
    return [condition('multicast-querier-silent', 'error', body)];
  }
  if (silent < limit / 2) return [];
  const body = `${joined}: a snooping switch prunes this port ${Math.round((limit - silent) / 1000)} s from now; enable a querier`;
  return [condition('multicast-querier-late', 'warn', body)];
}

function isJoined({ group, dev }: ExpectedGroup, joined: Interfaces[Family]): boolean {
  return joined?.get(dev)?.groups.includes(group) ?? false;
}

function of(family: Family) {
  return ({ group }: ExpectedGroup) => group.includes(':') === (family === 'ipv6');
}

function attributesOf(device: string, family: Family) {
  return { 'network.interface.name': device, 'network.type': family };
}
