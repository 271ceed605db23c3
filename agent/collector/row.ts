/** What a host's values say: its row in the API. Metric names are those of probes/metrics.ts. */
import type { MetricName } from '../../probes/metrics.ts';
import type { HostAnswer, HostRow, RouteTable } from './api.ts';
import type { Host } from './host.ts';
import type { Series, SeriesTable } from './series.ts';

/** A table this full needs attention, whatever the host itself says. */
const NEAR_LIMIT = 0.8;
/** Heartbeats that a host may miss before it is silent. */
const MISSED = 3;
const HOUR = 3_600_000;

/** The metrics that a row is made of: when another changes, the row need not be made again. */
const OF_ROW: ReadonlySet<string> = new Set<MetricName>([
  'holdfast.setting.state',
  'holdfast.dhclient.stale',
  'holdfast.condition',
  'system.network.route.count',
  'system.network.route.limit',
  'system.network.route.cache',
]);

export function isOfRow(series: Series | undefined): boolean {
  return series !== undefined && OF_ROW.has(series.metric);
}

/** Not heard of for three of its intervals. `since`: before that the collector itself did not listen. */
export function isSilent(host: Host, since: number, now: number): boolean {
  return now - Math.max(host.seen, since) > MISSED * host.interval;
}

/** Makes the row, and notes in the host since when it needs attention. Milliseconds since the epoch. */
export function makeRow(host: Host, table: SeriesTable, silent: boolean, now: number): HostRow {
  const seen = look(host, table);
  const memoryErrors = memoryErrorsOf(host, now);
  const needs = attentionOf(seen, silent, memoryErrors);
  // A host that went silent did so when it was last heard.
  const began = (code: string) => host.attention[code] ?? (code === 'silent' ? host.seen : now);
  const attention = [...needs].map(([code, text]) => ({ code, text, since: began(code) }));
  host.attention = Object.fromEntries(attention.map(({ code, since }) => [code, since]));
  const states = [...seen.settings.values()].map(worst);
  return {
    id: host.key,
    name: text(host, 'host.name') || host.key,
    labels: labelsOf(host),
    agent: text(host, 'service.version'),
    kernel: text(host, 'holdfast.kernel.release') || text(host, 'os.version'),
    lastSeen: host.seen,
    silent,
    settings: { ok: count(states, 'ok'), drifted: count(states, 'drifted'), unknown: count(states, 'unknown') },
    routes: seen.routes,
    memoryErrors,
    attention,
  };
}

/** The table of its settings, as `agent status` has it. */
export function settingsOf(host: Host, table: SeriesTable): HostAnswer['settings'] {
  return [...look(host, table).settings]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([setting, moments]) => ({ setting, moments: Object.fromEntries(moments) }));
}

/** By its counters or by its events, whichever tell of more: both tell of the same errors. */
export function memoryErrorsOf(host: Host, now: number): number {
  const oldest = Math.floor(now / HOUR) - 23;
  let sum = 0;
  for (const [hour, { counted, events }] of host.memoryErrors) if (hour >= oldest) sum += Math.max(counted, events);
  return sum;
}

interface Seen {
  readonly settings: Map<string, Map<string, string>>;
  readonly routes: { ipv4: RouteTable | null; ipv6: RouteTable | null };
  readonly stale: string[];
  readonly conditions: Map<string, string>;
}

function look(host: Host, table: SeriesTable): Seen {
  const seen: Seen = {
    settings: new Map(),
    routes: { ipv4: null, ipv6: null },
    stale: [],
    conditions: new Map(),
  };
  const limits = new Map<string, number>();
  const used = new Map<string, number>();
  for (const [index, id] of host.series.entries()) {
    const series = table.get(id);
    const value = host.values[index]!;
    if (series === undefined || !isOfRow(series)) continue;
    const { attributes } = series;
    const type = attributes['network.type'];
    if (series.metric === 'system.network.route.limit') limits.set(type ?? '', value);
    else if (series.metric === 'system.network.route.cache') used.set(type ?? '', value);
    else if (series.metric === 'system.network.route.count') {
      // The total: counts by table or protocol have more attributes.
      if ((type === 'ipv4' || type === 'ipv6') && Object.keys(attributes).length === 1) {
        seen.routes[type] = { count: value, limit: null, used: value };
      }
    } else if (value !== 1) continue;
    else if (series.metric === 'holdfast.setting.state') {
      const { setting = '', moment = '', state = '' } = attributes;
      const moments = seen.settings.get(setting);
      if (moments === undefined) seen.settings.set(setting, new Map([[moment, state]]));
      else moments.set(moment, state);
    } else if (series.metric === 'holdfast.dhclient.stale') seen.stale.push(described(attributes));
    else seen.conditions.set(attributes.code || 'condition', described(attributes));
  }
  for (const type of ['ipv4', 'ipv6'] as const) {
    const routes = seen.routes[type];
    if (routes === null) continue;
    seen.routes[type] = { ...routes, limit: limits.get(type) ?? null, used: used.get(type) ?? routes.count };
  }
  return seen;
}

/** Code to a sentence. */
function attentionOf(seen: Seen, silent: boolean, memoryErrors: number): Map<string, string> {
  const needs = new Map<string, string>();
  if (silent) needs.set('silent', `No heartbeat for ${MISSED} of its intervals`);
  if (memoryErrors > 0) needs.set('memory-error', `${plural(memoryErrors, 'memory error')} in the last 24 h`);
  for (const [family, routes] of [
    ['IPv4', seen.routes.ipv4],
    ['IPv6', seen.routes.ipv6],
  ] as const) {
    if (routes?.limit == null || routes.used < NEAR_LIMIT * routes.limit) continue;
    const share = Math.floor((100 * routes.used) / routes.limit);
    const sentence = `${family}: ${routes.used} of ${routes.limit} entries, ${share} %`;
    const other = needs.get('table-near-limit');
    needs.set('table-near-limit', other === undefined ? sentence : `${other}; ${sentence}`);
  }
  const drifted = [...seen.settings].filter(([, moments]) => worst(moments) === 'drifted').map(([setting]) => setting);
  if (drifted.length > 0) needs.set('drifted', `Not as configured: ${some(drifted)}`);
  if (seen.stale.length > 0) {
    const clients = seen.stale.filter((one) => one !== '');
    const which = clients.length > 0 ? ` (${some(clients)})` : '';
    needs.set('stale-dhclient', `dhclient runs with an old configuration${which}`);
  }
  for (const [code, where] of seen.conditions) {
    if (!needs.has(code)) needs.set(code, `${code.replaceAll('-', ' ')}${where === '' ? '' : ` (${where})`}`);
  }
  return needs;
}

/** A setting is as good as its worst moment; a moment that does not belong to this host does not count. */
function worst(moments: ReadonlyMap<string, string>): string {
  const states = [...moments.values()];
  return ['drifted', 'unknown', 'ok'].find((state) => states.includes(state)) ?? 'skipped';
}

const LABEL = 'holdfast.label.';

function labelsOf({ resource }: Host): Record<string, string> {
  const labels = Object.entries(resource).filter(([name]) => name.startsWith(LABEL));
  return Object.fromEntries(labels.map(([name, value]) => [name.slice(LABEL.length), String(value)]));
}

function text({ resource }: Host, attribute: string): string {
  return String(resource[attribute] ?? '');
}

/** The values of attributes, but for the code. */
function described(attributes: Readonly<Record<string, string>>): string {
  const others = Object.entries(attributes).filter(([name]) => name !== 'code');
  return others.map(([name, value]) => `${name} ${value}`).join(', ');
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function count(states: readonly string[], state: string): number {
  return states.filter((one) => one === state).length;
}
