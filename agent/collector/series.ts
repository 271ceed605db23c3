/** Every series that any host has sent: a metric with its attributes. Most hosts of a fleet share most of them. */
import { type Attributes, cut, LIMITS, type SeriesIndex } from './otlp.ts';

export interface Series {
  readonly id: number;
  readonly metric: string;
  /** UCUM. */
  readonly unit: string;
  /** Sorted by name. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Of the whole fleet; what exceeds it is refused, and the sender told. */
const MOST_SERIES = 1_000_000;
/** Ways of writing the same attributes that are remembered: only a way of being quick. */
const MOST_KEYS = 1_000_000;

export class SeriesTable implements SeriesIndex {
  readonly #all: Series[] = [];
  /** By metric, then by the bytes of the attributes. */
  #known = new Map<string, Map<string, number>>();
  #keys = 0;
  readonly #canonical = new Map<string, number>();
  #unsaved: Series[] = [];

  find(metric: string, unit: string, key: string, read: () => Attributes): number | null {
    return this.#known.get(metric)?.get(key) ?? this.#add(metric, unit, key, read);
  }

  get(id: number): Series | undefined {
    return this.#all[id];
  }

  get size(): number {
    return this.#all.length;
  }

  /** As it was stored. */
  restore(series: Series): void {
    this.#all[series.id] = series;
    this.#canonical.set(canonical(series.metric, series.attributes), series.id);
  }

  /** Those that are not stored yet. */
  unsaved(): readonly Series[] {
    return this.#unsaved;
  }

  saved(): void {
    if (this.#unsaved.length > 0) this.#unsaved = [];
  }

  #add(metric: string, unit: string, key: string, read: () => Attributes): number | null {
    if (metric === '' || metric.length > LIMITS.metricName) return null;
    const pairs = Object.entries(read()).map(([name, value]) => [name, String(value)] as const);
    const attributes = Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
    const name = canonical(metric, attributes);
    let id = this.#canonical.get(name);
    if (id === undefined) {
      if (this.#all.length >= MOST_SERIES) return null;
      id = this.#all.length;
      const series = { id, metric, unit: cut(unit, LIMITS.attributeKey), attributes };
      this.#all.push(series);
      this.#canonical.set(name, id);
      this.#unsaved.push(series);
    }
    this.#remember(metric, key, id);
    return id;
  }

  #remember(metric: string, key: string, id: number): void {
    if (this.#keys >= MOST_KEYS) {
      this.#known = new Map();
      this.#keys = 0;
    }
    this.#keys += 1;
    const keys = this.#known.get(metric);
    if (keys === undefined) this.#known.set(metric, new Map([[key, id]]));
    else keys.set(key, id);
  }
}

function canonical(metric: string, attributes: Readonly<Record<string, string>>): string {
  return `${metric}\n${JSON.stringify(attributes)}`;
}
