/** `GET /metrics`: the fleet and the collector itself in Prometheus' text format, version 0.0.4. */
import type { HostRow, RolloutRow } from '../api.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Receiver } from '../fleet/receiver.ts';
import type { Store } from '../store/store.ts';
import type { Query } from './query.ts';

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
}

type Labels = Readonly<Record<string, string>>;

/** Yields the answer in parts, so that a large fleet's answer is never whole in memory. */
export function* fleetExposition(fleet: Fleet, query: Query, receiver: Receiver, store: Store): Generator<string> {
  const { heartbeats, missed, events, repeats, forgotten } = fleet.counters;
  const { hosts, attention, provisional, rollouts, trouble } = query.summary();
  yield one('holdfast_hosts', 'gauge', 'Hosts that have reported', hosts);
  yield family(
    { name: 'holdfast_hosts_attention', type: 'gauge', help: 'Hosts that need attention, by code' },
    Object.entries(attention).map(([code, count]) => [{ code }, count]),
  );
  yield family(
    {
      name: 'holdfast_hosts_provisional',
      type: 'gauge',
      help: 'Hosts with a change that is not proved yet, by change',
    },
    provisional.map(({ change, hosts }) => [{ change }, hosts]),
  );
  yield family(
    { name: 'holdfast_rollout_hosts', type: 'gauge', help: 'Hosts of a rollout by waves, by standing' },
    rollouts.flatMap((one) => standingsOf(one).map(([standing, count]) => [{ rollout: one.id, standing }, count])),
  );
  yield family(
    { name: 'holdfast_rollout_stopped', type: 'gauge', help: '1: the rollout admits no further host until it goes on' },
    rollouts.map(({ id, stopped }) => [{ rollout: id }, Number(stopped !== null)]),
  );
  yield family(
    { name: 'holdfast_collector_trouble', type: 'gauge', help: 'What is wrong with the collector itself, by code' },
    trouble.map(({ code }) => [{ code }, 1]),
  );
  yield one('holdfast_collector_heartbeats_total', 'counter', 'Heartbeats taken', heartbeats);
  yield one(
    'holdfast_collector_heartbeats_missed_total',
    'counter',
    'Heartbeats that never came, by their sequence; of a host no more than its interval allows',
    missed,
  );
  yield one('holdfast_collector_events_total', 'counter', 'Events stored', events);
  yield one('holdfast_collector_events_repeated_total', 'counter', 'Events that were known already', repeats);
  yield one('holdfast_collector_hosts_forgotten_total', 'counter', 'Hosts that were forgotten', forgotten);
  yield one('holdfast_collector_series', 'gauge', 'Series of all hosts', fleet.series.size);
  yield one('holdfast_collector_stored_bytes', 'gauge', 'Bytes in use of the database', store.size());
  yield family(
    { name: 'holdfast_collector_requests_total', type: 'counter', help: 'OTLP requests, by status of the answer' },
    [...receiver.answers].map(([code, count]) => [{ code: String(code) }, count]),
  );
  for (const [family, values] of OF_HOST) yield* ofHosts(fleet.rows.all(), family, values);
}

const OF_HOST: readonly (readonly [Family, (row: HostRow) => [Labels, number][]])[] = [
  [
    { name: 'holdfast_host_silent', type: 'gauge', help: '1: no heartbeat for three of its intervals' },
    (row) => [[{}, Number(row.silent)]],
  ],
  [
    { name: 'holdfast_host_last_seen_seconds', type: 'gauge', help: 'When it was last heard, since the epoch' },
    (row) => [[{}, row.lastSeen / 1000]],
  ],
  [
    { name: 'holdfast_host_settings', type: 'gauge', help: 'Settings, by state' },
    ({ settings }) => Object.entries(settings).map(([state, count]) => [{ state }, count]),
  ],
  [
    { name: 'holdfast_host_routes', type: 'gauge', help: 'Routes in its kernel' },
    (row) => tables(row).map(([family, { count }]) => [{ family }, count]),
  ],
  [
    {
      name: 'holdfast_host_routes_limit',
      type: 'gauge',
      help: 'Routes that its kernel can hold, where a limit is in force',
    },
    (row) => tables(row).flatMap(([family, { limit }]) => (limit === null ? [] : [[{ family }, limit]])),
  ],
  [
    { name: 'holdfast_host_memory_errors', type: 'gauge', help: 'Memory errors of the last 24 h' },
    (row) => [[{}, row.memoryErrors]],
  ],
];

function standingsOf({ admitted, confirmed, provisional, putBack, lost, waiting }: RolloutRow): [string, number][] {
  const pending = admitted - confirmed - provisional - putBack - lost;
  return Object.entries({ waiting, admitted: pending, confirmed, provisional, 'put-back': putBack, lost });
}

function tables({ routes }: HostRow) {
  return Object.entries(routes).flatMap(([family, table]) => (table === null ? [] : [[family, table] as const]));
}

/** The number of rows in one part. */
const AT_ONCE = 500;

function* ofHosts(
  rows: Iterable<HostRow>,
  { name, type, help }: Family,
  values: (row: HostRow) => [Labels, number][],
): Generator<string> {
  let text = head({ name, type, help });
  let count = 0;
  for (const row of rows) {
    for (const [labels, value] of values(row)) text += line(name, { id: row.id, host: row.name, ...labels }, value);
    count += 1;
    if (count % AT_ONCE !== 0) continue;
    yield text;
    text = '';
  }
  yield text;
}

function one(name: string, type: Family['type'], help: string, value: number): string {
  return family({ name, type, help }, [[{}, value]]);
}

function family(definition: Family, values: readonly (readonly [Labels, number])[]): string {
  return head(definition) + values.map(([labels, value]) => line(definition.name, labels, value)).join('');
}

function head({ name, type, help }: Family): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}
