/** What the API answers of the fleet: `api.ts` has the shapes. */
import type { HostAnswer, HostEvent, HostRow, HostsAnswer, SeriesAnswer, SummaryAnswer } from './api.ts';
import type { Fleet } from './fleet.ts';
import { readFrames } from './frames.ts';
import type { Chunk, Host } from './host.ts';
import { settingsOf } from './row.ts';
import type { Settled } from './rows.ts';
import type { Store } from './store.ts';

/** Rows, events or points in one answer. */
const MOST = { hosts: 1_000, events: 1_000, points: 5_000 } as const;
/** Of one label in a summary. */
const MOST_LABEL_VALUES = 200;
const DAY = 86_400_000;

export class Query {
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #version: string;
  #sorted: readonly Host[] | null = null;
  #summary: SummaryAnswer | null = null;

  constructor(fleet: Fleet, store: Store, version: string) {
    this.#fleet = fleet;
    this.#store = store;
    this.#version = version;
  }

  /** To be called when rows have changed: their order and their summary are kept while they are true. */
  changed({ regrouped }: Settled): void {
    if (!regrouped) return;
    this.#sorted = null;
    this.#summary = null;
  }

  hosts(parameters: URLSearchParams): HostsAnswer {
    const search = (parameters.get('search') ?? '').toLowerCase();
    const attention = parameters.get('attention') ?? '';
    const labels = parameters.getAll('label').map((label) => label.split(/:(.*)/s, 2) as [string, string?]);
    const found = this.#all().filter(
      (row) =>
        (search === '' || row.name.toLowerCase().includes(search) || row.id.toLowerCase().includes(search)) &&
        (attention === '' || row.attention.some(({ code }) => attention === '1' || attention === code)) &&
        labels.every(([name, value = '']) => row.labels[name] === value),
    );
    const offset = number(parameters, 'offset', 0, Number.MAX_SAFE_INTEGER);
    return { total: found.length, hosts: found.slice(offset, offset + number(parameters, 'limit', 100, MOST.hosts)) };
  }

  summary(): SummaryAnswer {
    this.#summary ??= summarize(this.#fleet.rows.all(), this.#version);
    return this.#summary;
  }

  host(host: Host): HostAnswer {
    const events = this.#store.events(host.id, Number.MAX_SAFE_INTEGER, 50);
    return { host: this.#fleet.rows.row(host), settings: settingsOf(host, this.#fleet.series), events };
  }

  events(host: Host, parameters: URLSearchParams): readonly HostEvent[] {
    const before = number(parameters, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    return this.#store.events(host.id, before, number(parameters, 'limit', 100, MOST.events));
  }

  /** The last 24 h, where the request does not say. */
  series(host: Host, parameters: URLSearchParams): SeriesAnswer {
    const metric = parameters.get('metric') ?? '';
    const to = number(parameters, 'to', Date.now(), Number.MAX_SAFE_INTEGER);
    const from = number(parameters, 'from', to - DAY, Number.MAX_SAFE_INTEGER);
    const most = Math.max(2, number(parameters, 'points', 300, MOST.points));
    const open = host.peek();
    const chunks = [...this.#store.chunks(host.id, from, to), ...(open === null ? [] : [open])];
    const points = pointsOf(chunks, from, to, (id) => this.#fleet.series.get(id)?.metric === metric);
    const series = [...points].map(([id, list]) => {
      return { attributes: this.#fleet.series.get(id)!.attributes, points: thin(inOrder(list), most) };
    });
    const [first] = points.keys();
    return { metric, unit: first === undefined ? '' : this.#fleet.series.get(first)!.unit, series };
  }

  /** Attention first, then by name. */
  #all(): readonly HostRow[] {
    this.#sorted ??= sorted(this.#fleet.rows.all()).map(({ id }) => this.#fleet.find(id)!);
    return this.#fleet.rows.of(this.#sorted);
  }
}

function sorted(rows: Iterable<HostRow>): HostRow[] {
  const rank = ({ attention }: HostRow) => (attention.length > 0 ? 0 : 1);
  return [...rows].sort((a, b) => rank(a) - rank(b) || compare(a.name, b.name));
}

type Point = readonly [time: number, value: number];

function pointsOf(
  chunks: readonly Chunk[],
  from: number,
  to: number,
  wanted: (series: number) => boolean,
): Map<number, Point[]> {
  const points = new Map<number, Point[]>();
  for (const { frames } of chunks) {
    const now = new Map<number, number>();
    readFrames(frames, (time, { series, values }) => {
      for (const [index, id] of series.entries()) {
        if (!wanted(id)) continue;
        if (Number.isNaN(values[index])) now.delete(id);
        else now.set(id, values[index]!);
      }
      if (time < from || time > to) return;
      for (const [id, value] of now) {
        const list = points.get(id);
        if (list === undefined) points.set(id, [[time, value]]);
        else list.push([time, value]);
      }
    });
  }
  return points;
}

/** By time; of one time the last. */
function inOrder(points: readonly Point[]): readonly Point[] {
  return [...new Map(points).entries()].sort(([a], [b]) => a - b);
}

/** At most so many: of each stretch its lowest and its highest, so that no peak is lost. */
function thin(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const thinned: Point[] = [];
  const stretches = Math.floor(most / 2);
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const [start, end] = [stretch, stretch + 1].map((each) => Math.floor((each * points.length) / stretches));
    let low = points[start!]!;
    let high = low;
    for (const point of points.slice(start, end)) {
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
    if (low === high) thinned.push(low);
    else thinned.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return thinned;
}

function summarize(rows: Iterable<HostRow>, version: string): SummaryAnswer {
  let hosts = 0;
  const attention: Record<string, number> = {};
  const labels = new Map<string, Set<string>>();
  for (const row of rows) {
    hosts += 1;
    for (const { code } of row.attention) attention[code] = (attention[code] ?? 0) + 1;
    for (const [name, value] of Object.entries(row.labels)) {
      const values = labels.get(name);
      if (values === undefined) labels.set(name, new Set([value]));
      else if (values.size < MOST_LABEL_VALUES) values.add(value);
    }
  }
  const listed = [...labels].sort(([a], [b]) => compare(a, b)).map(([name, set]) => [name, [...set].sort()] as const);
  return { hosts, attention, labels: Object.fromEntries(listed), version };
}

function number(parameters: URLSearchParams, name: string, otherwise: number, most: number): number {
  const text = parameters.get(name);
  const value = text === null || text === '' ? otherwise : Number(text);
  return Number.isFinite(value) && value >= 0 ? Math.min(Math.floor(value), most) : otherwise;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
