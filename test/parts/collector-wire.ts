/** What the tests of the collector send: heartbeats and events as OpenTelemetry's own encoder writes them. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Collector, type CollectorOptions, startCollector } from '../../agent/collector/start-collector.ts';
import { Store } from '../../agent/collector/store/store.ts';
import type { Dependence, ToldDependences } from '../../agent/depends/dependence.ts';
import type { EventRecord } from '../../agent/report/heartbeat.ts';
import { events, type Format, metrics } from '../../agent/report/otlp-encoding.ts';
import { type Occurrence, type Sample, sample } from '../../probes/probe.ts';
import type { Plain } from './accepted.ts';
import { scratch } from './scratch.ts';

export interface Beat {
  readonly host?: string;
  readonly time?: number;
  readonly sequence?: number;
  readonly routes?: number;
  readonly limit?: number;
  readonly states?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly more?: readonly Sample[];
}

/** A heartbeat of a host that has a setting or two and two routing tables. */
export function heartbeat(beat: Beat = {}, format: Format = 'protobuf'): Uint8Array {
  const { host = 'edge-1', time = Date.now(), sequence = 1, routes = 1000, limit, states = {}, more = [] } = beat;
  const samples = [
    sample('holdfast.heartbeat.sequence', sequence),
    sample('system.network.route.count', routes, { 'network.type': 'ipv4' }),
    sample('system.network.route.count', 20, { 'network.type': 'ipv6' }),
    sample('holdfast.probe.duration', 0.001 * sequence, { probe: 'routes' }),
    ...(limit === undefined ? [] : [sample('system.network.route.limit', limit, { 'network.type': 'ipv4' })]),
    ...Object.entries({ now: 'ok', lease: 'ok', boot: 'ok', ...states }).map(([moment, state]) =>
      sample('holdfast.setting.state', 1, { setting: 'dns.nameservers', moment, state }),
    ),
    ...more,
  ];
  return metrics.encode(
    [{ time, start: time - 1000, sequence, samples, resource: resource(host, beat.labels) }],
    format,
  );
}

export function event(
  host: string,
  id: string,
  occurrence: Partial<Occurrence> = {},
  format: Format = 'protobuf',
  more: Readonly<Record<string, string>> = {},
) {
  const record: EventRecord = {
    id,
    observed: Date.now(),
    event: {
      kind: 'event',
      name: 'holdfast.drift',
      severity: 'warn',
      time: Date.now(),
      body: 'resolv.conf was overwritten',
      attributes: { resource: 'resolver' },
      ...occurrence,
    },
    resource: { ...resource(host), ...more },
  };
  return events.encode([record], format);
}

export interface LedgerBeat {
  readonly host: string;
  readonly sequence?: number;
  /** Milliseconds since the epoch; null: the ledger is off. */
  readonly since?: number | null;
  readonly asked?: readonly { readonly server: string; readonly unit: string; readonly last: number }[];
}

/** A heartbeat, in JSON, of a host with a ledger that watches for two days. Send it with `type: JSON_TYPE`. */
export function ledgerBeat({ host, sequence = 1, since = Date.now() - 2 * DAY, asked = [] }: LedgerBeat): Uint8Array {
  const now = `${Date.now()}000000`;
  const gauge = (name: string, value: number, attributes: Record<string, string> = {}) => ({
    name,
    gauge: {
      dataPoints: [{ startTimeUnixNano: now, timeUnixNano: now, asDouble: value, attributes: pairs(attributes) }],
    },
  });
  const metrics = [
    gauge('holdfast.heartbeat.sequence', sequence),
    ...(since === null ? [] : [gauge('holdfast.nameserver.ledger_since', since / 1000)]),
    ...asked.map(({ server, unit, last }) =>
      gauge('holdfast.nameserver.last_asked', last / 1000, { server, unit, user: 'root' }),
    ),
  ];
  const one = { resource: { attributes: pairs({ ...resource(host), ...EVERY_30_S }) }, scopeMetrics: [{ metrics }] };
  return Buffer.from(JSON.stringify({ resourceMetrics: [one] }));
}

const EVERY_30_S = { 'holdfast.report.interval': '30' };
export const JSON_TYPE = 'application/json';
const DAY = 86_400_000;

function pairs(attributes: Readonly<Record<string, string>>) {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** A host without anything unseen, which depends on `found`. It reports every 30 s, whatever the test does. */
export async function reportWhole(url: string, beat: LedgerBeat, found: readonly Dependence[] = []): Promise<void> {
  await send(url, ledgerBeat(beat), { type: JSON_TYPE });
  await send(url, dependences(beat.host, { found }), { signal: 'logs' });
}

/** The event by which a host tells what it depends on. */
export function dependences(host: string, told: Plain<Partial<ToldDependences>> = {}, format: Format = 'protobuf') {
  const body = JSON.stringify({ found: [], unseen: [], longestLease: 43_200, cut: 0, ...told });
  return event(
    host,
    `${host}-${body.length}-${Date.now()}`,
    { name: 'holdfast.dependences', body },
    format,
    EVERY_30_S,
  );
}

/** A collector of the test's own, gone when the test is. */
/** Without `data`, it is as if the collector had begun long ago, and knew every host. */
export async function collector(t: TestContext, options: Partial<CollectorOptions> = {}): Promise<Collector> {
  const { data = begunLongAgo(scratch(t)) } = options;
  const started = await startCollector({ listen: '127.0.0.1:0', version: '0', ...options, data });
  t.after(() => started.close());
  return started;
}

function begunLongAgo(data: string): string {
  new Store(data).close();
  const database = new DatabaseSync(join(data, 'collector.db'));
  database.exec('UPDATE numbers SET begun = 0');
  database.close();
  return data;
}

export interface SendOptions {
  readonly signal?: 'metrics' | 'logs';
  readonly type?: string;
  readonly gzip?: boolean;
  readonly token?: string;
}

export function send(url: string, body: Uint8Array, options: SendOptions = {}): Promise<Response> {
  const { signal = 'metrics', type = 'application/x-protobuf', gzip = true, token } = options;
  return fetch(`${url}/v1/${signal}`, {
    method: 'POST',
    headers: {
      'content-type': type,
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: gzip ? new Uint8Array(gzipSync(body)) : new Uint8Array(body),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: the answers are what the tests look at
export async function get(url: string, path: string): Promise<any> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** Asks until the answer is as wanted, for half a minute; gives the last one. */
// biome-ignore lint/suspicious/noExplicitAny: the answers are what the tests look at
export async function eventually(url: string, path: string, wanted: (answer: any) => boolean): Promise<any> {
  for (let left = 300; ; left -= 1) {
    const answer = await get(url, path);
    if (wanted(answer) || left === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function resource(host: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    'service.name': 'holdfast',
    'service.version': '0.1.0',
    'host.name': host,
    'host.id': `id-of-${host}`,
    'holdfast.kernel.release': '6.1.0-18-amd64',
    'holdfast.config.hash': 'c0ffee',
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`holdfast.label.${name}`, value])),
  };
}
