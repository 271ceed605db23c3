/** Makes a host's row of the API from its values. Metric names are those of probes/metrics.ts. */
import type { MetricName } from '../../../probes/metrics.ts';
import { WAVE_STANDINGS } from '../../confirm/wire/wave-talk.ts';
import type { HostAnswer, HostRow, RouteTable } from '../api.ts';
import type { Series, SeriesTable } from '../series/series.ts';
import { cut } from '../wire/otlp.ts';
import { durationInWords, plural, some } from '../words.ts';
import type { HostState } from './host-state.ts';
import { MISSED } from './pulse.ts';

/** A table this full needs attention, even if the host reports no condition. */
const NEAR_LIMIT = 0.8;
/** The most codes of one row, and characters of one sentence. More would be unreadable. */
const MOST_CODES = 40;
const LONGEST = 400;
/** The most characters of one code. */
const LONGEST_CODE = 100;
const HOUR = 3_600_000;
/** The moments that come later than a change. */
const LATER = ['lease', 'boot'];

/** The metrics that a row shows. A change of other metrics does not change the row. */
const OF_ROW: ReadonlySet<string> = new Set<MetricName>([
  'holdfast.setting.state',
  'holdfast.dhclient.stale',
  'holdfast.condition',
  'holdfast.change.provisional',
  'holdfast.change.wave',
  'holdfast.change.unseen',
  'system.network.route.count',
  'system.network.route.limit',
  'system.network.route.cache',
]);

export function isOfRow(series: Series | undefined): boolean {
  return series !== undefined && OF_ROW.has(series.metric);
}

/** Facts about a host that its own values do not contain. */
export interface HostStanding {
  readonly silent: boolean;
  /** A sentence about hosts with the same id; '' if there are none. */
  readonly duplicate: string;
}

/**
 * Changes nothing: the caller notes in the host which needs there are, and since when. `now`: milliseconds since the
 * epoch.
 */
export function makeRow(
  host: HostState,
  table: SeriesTable,
  { silent, duplicate }: HostStanding,
  now: number,
): HostRow {
  const seen = look(host, table);
  const memoryErrors = memoryErrorsOf(host, now);
  const needs = new Map<string, string>();
  if (silent)
    needs.set('silent', `No heartbeat for ${MISSED} of its intervals of ${durationInWords(host.pulse.interval)}`);
  if (duplicate !== '') needs.set('duplicate-id', duplicate);
  if (host.pulse.skew !== null) needs.set('clock', clock(host.pulse.skew));
  if (memoryErrors > 0) needs.set('memory-error', `${plural(memoryErrors, 'memory error')} in the last 24 h`);
  addAttention(needs, seen);
  // A host has been silent since it was last heard.
  const began = (code: string) => host.attention.get(code) ?? (code === 'silent' ? host.pulse.beaten : now);
  const all = [...needs].slice(0, MOST_CODES);
  const attention = all.map(([code, text]) => ({ code, text: cut(text, LONGEST), since: began(code) }));
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
    provisional: seen.provisional,
    wave: seen.wave,
    unseen: seen.unseen,
    attention,
  };
}

/** The table of settings, as in `agent status`. */
export function rowSettings(host: HostState, table: SeriesTable): HostAnswer['settings'] {
  return [...look(host, table).settings]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([setting, moments]) => ({ setting, moments: Object.fromEntries(moments) }));
}

/** The higher of two counts, by counters and by events, because both count the same errors. */
export function memoryErrorsOf(host: HostState, now: number): number {
  const oldest = Math.floor(now / HOUR) - 23;
  let sum = 0;
  for (const [hour, { counted, events }] of host.memoryErrors)
    if (hour >= oldest && hour <= oldest + 24) sum += Math.max(counted, events);
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}

interface Seen {
  readonly settings: Map<string, Map<string, string>>;
  readonly routes: { ipv4: RouteTable | null; ipv6: RouteTable | null };
  readonly stale: string[];
  /** The present conditions by code, each with its attributes. */
  readonly conditions: Map<string, string[]>;
  provisional: string | null;
  wave: HostRow['wave'];
  unseen: HostRow['unseen'];
}

function look(host: HostState, table: SeriesTable): Seen {
  const seen: Seen = {
    settings: new Map(),
    routes: { ipv4: null, ipv6: null },
    stale: [],
    conditions: new Map(),
    provisional: null,
    wave: null,
    unseen: null,
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
      // Only the total; counts by table or protocol have more attributes.
      if ((type === 'ipv4' || type === 'ipv6') && Object.keys(attributes).length === 1) {
        seen.routes[type] = { count: value, limit: null, used: value };
      }
    } else if (value !== 1) continue;
    else if (series.metric === 'holdfast.change.provisional') {
      seen.provisional = codeIn(attributes, 'holdfast.change.id') || null;
    } else if (series.metric === 'holdfast.change.wave') seen.wave = waveIn(attributes);
    else if (series.metric === 'holdfast.change.unseen') {
      seen.unseen = withMoment(seen.unseen, attributes);
    } else if (series.metric === 'holdfast.setting.state') {
      const { setting = '', moment = '', state = '' } = attributes;
      const moments = seen.settings.get(setting);
      if (moments === undefined) seen.settings.set(setting, new Map([[moment, state]]));
      else moments.set(moment, state);
    } else if (series.metric === 'holdfast.dhclient.stale') seen.stale.push(described(attributes));
    else {
      const code = cut(attributes.code || 'condition', LONGEST_CODE);
      const others = seen.conditions.get(code);
      if (others === undefined) seen.conditions.set(code, [described(attributes)]);
      else others.push(described(attributes));
    }
  }
  for (const type of ['ipv4', 'ipv6'] as const) {
    const routes = seen.routes[type];
    if (routes === null) continue;
    seen.routes[type] = { ...routes, limit: limits.get(type) ?? null, used: used.get(type) ?? routes.count };
  }
  return seen;
}

/** null if it is malformed. */
function waveIn(attributes: Series['attributes']): HostRow['wave'] {
  const standing = WAVE_STANDINGS.find((one) => one === attributes['holdfast.change.standing']);
  if (standing === undefined) return null;
  const rollout = codeIn(attributes, 'holdfast.change.rollout');
  return { rollout, change: codeIn(attributes, 'holdfast.change.id'), standing };
}

/** The later moments of one change, in the order of the table of settings. A host has one such change. */
function withMoment(known: HostRow['unseen'], attributes: Series['attributes']): HostRow['unseen'] {
  const change = codeIn(attributes, 'holdfast.change.id');
  const moments = LATER.filter((one) => one === attributes.moment || known?.moments.includes(one));
  return change === '' || moments.length === 0 ? known : { change, moments };
}

/** '' if there is none. */
function codeIn(attributes: Series['attributes'], name: string): string {
  return cut(attributes[name] ?? '', LONGEST_CODE);
}

/** Sentences by code. */
function addAttention(needs: Map<string, string>, seen: Seen): void {
  for (const [family, routes] of [
    ['IPv4', seen.routes.ipv4],
    ['IPv6', seen.routes.ipv6],
  ] as const) {
    if (routes?.limit == null || routes.limit <= 0 || routes.used < NEAR_LIMIT * routes.limit) continue;
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
  for (const [code, which] of seen.conditions) {
    const told = which.filter((one) => one !== '');
    const where = told.length > 0 ? ` (${some(told, '; ')})` : '';
    if (!needs.has(code)) needs.set(code, `${code.replaceAll('-', ' ')}${where}`);
  }
}

function clock(skew: number): string {
  return `Its clock is ${durationInWords(skew)} ${skew > 0 ? 'ahead of' : 'behind'} the collector's`;
}

/** A setting's state is that of its worst moment. Moments that do not exist on this host do not count. */
function worst(moments: ReadonlyMap<string, string>): string {
  const states = [...moments.values()];
  return ['drifted', 'unknown', 'ok'].find((state) => states.includes(state)) ?? 'skipped';
}

const LABEL = 'holdfast.label.';

function labelsOf({ resource }: HostState): Record<string, string> {
  const labels = Object.entries(resource).filter(([name]) => name.startsWith(LABEL));
  return Object.fromEntries(labels.map(([name, value]) => [name.slice(LABEL.length), String(value)]));
}

function text({ resource }: HostState, attribute: string): string {
  return String(resource[attribute] ?? '');
}

/** The values of attributes, without the code. */
function described(attributes: Readonly<Record<string, string>>): string {
  const others = Object.entries(attributes).filter(([name]) => name !== 'code');
  return cut(others.map(([name, value]) => `${name} ${value}`).join(', '), LONGEST);
}

function count(states: readonly string[], state: string): number {
  return states.filter((one) => one === state).length;
}
