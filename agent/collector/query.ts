/** What the API answers of the fleet: `api.ts` has the shapes. */
import type { HostAnswer, HostEvent, HostRow, HostsAnswer, SeriesAnswer, SummaryAnswer } from './api.ts';
import { Refused } from './body.ts';
import type { Fleet } from './fleet.ts';
import { readFrames } from './frames.ts';
import type { Chunk, Host } from './host.ts';
import { cursorIn, labelsIn, onlyThese, wholeNumber } from './parameters.ts';
import { settingsOf } from './row.ts';
import type { Settled } from './rows.ts';
import type { Series } from './series.ts';
import type { Store } from './store.ts';
import { summarize } from './summary.ts';
import type { Troubles } from './trouble.ts';

/** Rows, events or points in one answer. */
const MOST = { hosts: 1_000, events: 1_000, points: 5_000 } as const;
const DAY = 86_400_000;

export class Query {
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #version: string;
  readonly #troubles: Troubles | null;
  #sorted: readonly Host[] | null = null;
  #summary: Omit<SummaryAnswer, 'trouble'> | null = null;

  constructor(fleet: Fleet, store: Store, version: string, troubles: Troubles | null = null) {
    this.#fleet = fleet;
    this.#store = store;
    this.#version = version;
    this.#troubles = troubles;
  }

  /** To be called when rows have changed: their order and their summary are kept while they are true. */
  changed({ regrouped }: Settled): void {
    if (!regrouped) return;
    this.#sorted = null;
    this.#summary = null;
  }

  hosts(parameters: URLSearchParams): HostsAnswer {
    onlyThese(parameters, ['search', 'label', 'attention', 'limit', 'offset'], ['label']);
    const search = (parameters.get('search') ?? '').toLowerCase();
    const attention = parameters.get('attention') ?? '';
    const labels = labelsIn(parameters);
    const offset = wholeNumber(parameters, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(parameters, 'limit', 100, MOST.hosts);
    const found = this.#all().filter(
      (row) =>
        (search === '' || row.name.toLowerCase().includes(search) || row.id.toLowerCase().includes(search)) &&
        (attention === '' || row.attention.some(({ code }) => attention === '1' || attention === code)) &&
        labels.every(([name, value]) => Object.hasOwn(row.labels, name) && row.labels[name] === value),
    );
    return { total: found.length, hosts: found.slice(offset, offset + limit) };
  }

  summary(): SummaryAnswer {
    this.#summary ??= summarize(this.#fleet.rows.all(), this.#version);
    return { trouble: this.#troubles?.list ?? [], ...this.#summary };
  }

  host(host: Host): HostAnswer {
    const events = this.#store.events(host.id, Number.MAX_SAFE_INTEGER, 50);
    return {
      host: this.#fleet.rows.row(host),
      settings: settingsOf(host, this.#fleet.series),
      events,
      inventory: inventoryIn(this.#store.inventory(host.id)),
    };
  }

  events(host: Host, parameters: URLSearchParams): readonly HostEvent[] {
    onlyThese(parameters, ['before', 'beforeId', 'limit']);
    const { time, id } = cursorIn(parameters);
    return this.#store.events(host.id, time, wholeNumber(parameters, 'limit', 100, MOST.events), id);
  }

  /** The last 24 h, where the request does not say. */
  series(host: Host, parameters: URLSearchParams): SeriesAnswer {
    onlyThese(parameters, ['metric', 'from', 'to', 'points']);
    const metric = parameters.get('metric') ?? '';
    if (metric === '') throw new Refused(400, '"metric" is missing');
    const to = wholeNumber(parameters, 'to', Date.now(), Number.MAX_SAFE_INTEGER);
    const from = wholeNumber(parameters, 'from', Math.max(0, to - DAY), Number.MAX_SAFE_INTEGER);
    if (from > to) throw new Refused(400, '"from" is after "to"');
    const most = Math.max(2, wholeNumber(parameters, 'points', 300, MOST.points));
    const open = host.peek();
    const chunks = [...this.#store.chunks(host.id, from, to), ...(open === null ? [] : [open])];
    const named = this.#named(metric);
    const found = new Map<string, { series: Series; points: Point[] }>();
    for (const [id, points] of pointsOf(chunks, from, to, (series) => named(series) !== undefined)) {
      // One that was gone for long and came back has another number.
      const series = named(id)!;
      const name = JSON.stringify(series.attributes);
      const same = found.get(name);
      if (same === undefined) found.set(name, { series, points });
      else same.points.push(...points);
    }
    const all = [...found.values()];
    const series = all.map(({ series: { attributes }, points }) => {
      return { attributes, points: thin(inOrder(points), most) };
    });
    return { metric, unit: all[0]?.series.unit ?? '', series };
  }

  /** Gives the series of a number, if it is of this metric. */
  #named(metric: string): (id: number) => Series | undefined {
    const gone = new Map<number, Series | undefined>();
    return (id) => {
      let series = this.#fleet.series.get(id);
      if (series === undefined) {
        if (!gone.has(id)) gone.set(id, this.#store.seriesOf(id));
        series = gone.get(id);
      }
      return series?.metric === metric ? series : undefined;
    };
  }

  /** Attention first, then by name. */
  #all(): readonly HostRow[] {
    this.#sorted ??= sorted(this.#fleet.rows.all()).flatMap(({ id }) => this.#fleet.find(id) ?? []);
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

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The attributes of an event of the inventory, without their prefix. */
function inventoryIn(attributes: HostEvent['attributes'] | null): Record<string, string> {
  const named = Object.entries(attributes ?? {}).filter(([key]) => key.startsWith('inventory.'));
  return Object.fromEntries(named.map(([key, text]) => [key.slice('inventory.'.length), String(text)]));
}
