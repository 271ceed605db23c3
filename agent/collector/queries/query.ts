/** The API's answers about the fleet; `api.ts` has their types. */
import { Refused } from '../admission/body.ts';
import { Turns } from '../admission/turns.ts';
import type { HostAnswer, HostEvent, HostRow, HostsAnswer, RolloutRow, SeriesAnswer, SummaryAnswer } from '../api.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { HostState } from '../hosts/host-state.ts';
import { rowSettings } from '../hosts/row.ts';
import type { Settled } from '../hosts/rows.ts';
import { compareNames } from '../name-order.ts';
import type { Store } from '../store/store.ts';
import { readHistory } from './history.ts';
import { cursorIn, labelsIn, onlyThese, wholeNumber } from './parameters.ts';
import { type FleetSummary, summarize } from './summary.ts';
import type { Troubles } from './trouble.ts';

/** The most rows, events or points in one answer. */
const MOST = { hosts: 1_000, events: 1_000, points: 5_000 } as const;
const DAY = 86_400_000;

export class Query {
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #version: string;
  readonly #troubles: Troubles | null;
  readonly #turns = new Turns();
  #sorted: readonly HostState[] | null = null;
  readonly #rollouts: () => readonly RolloutRow[];
  #summary: FleetSummary | null = null;

  constructor(
    fleet: Fleet,
    store: Store,
    version: string,
    troubles: Troubles | null = null,
    rollouts: () => readonly RolloutRow[] = () => [],
  ) {
    this.#rollouts = rollouts;
    this.#fleet = fleet;
    this.#store = store;
    this.#version = version;
    this.#troubles = troubles;
  }

  /** Call this after a change of rows: their order and summary are cached. */
  changed({ regrouped }: Settled): void {
    if (!regrouped) return;
    this.#sorted = null;
    this.#summary = null;
  }

  hosts(parameters: URLSearchParams): HostsAnswer {
    onlyThese(parameters, ['search', 'label', 'attention', 'change', 'limit', 'offset'], ['label']);
    const search = (parameters.get('search') ?? '').toLowerCase();
    const attention = parameters.get('attention') ?? '';
    const change = parameters.get('change') ?? '';
    const labels = labelsIn(parameters);
    const offset = wholeNumber(parameters, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(parameters, 'limit', 100, MOST.hosts);
    const found = this.#all().filter(
      (row) =>
        (search === '' || row.name.toLowerCase().includes(search) || row.id.toLowerCase().includes(search)) &&
        (attention === '' || row.attention.some(({ code }) => attention === '1' || attention === code)) &&
        (change === '' || row.provisional === change || row.unseen?.change === change) &&
        labels.every(([name, value]) => Object.hasOwn(row.labels, name) && row.labels[name] === value),
    );
    return { total: found.length, hosts: found.slice(offset, offset + limit) };
  }

  summary(): SummaryAnswer {
    this.#summary ??= summarize(this.#fleet.rows.all(), this.#version);
    return { trouble: this.#troubles?.list ?? [], rollouts: this.#rollouts(), ...this.#summary };
  }

  host(host: HostState): HostAnswer {
    const events = this.#store.events.before(host.id, Number.MAX_SAFE_INTEGER, 50);
    return {
      host: this.#fleet.rows.row(host),
      settings: rowSettings(host, this.#fleet.series),
      events,
      inventory: inventoryIn(this.#store.events.inventory(host.id)),
    };
  }

  events(host: HostState, parameters: URLSearchParams): readonly HostEvent[] {
    onlyThese(parameters, ['before', 'beforeId', 'limit']);
    const { time, id } = cursorIn(parameters);
    return this.#store.events.before(host.id, time, wholeNumber(parameters, 'limit', 100, MOST.events), id);
  }

  /**
   * The last 24 h, unless the request says otherwise. `reader`: the asking reader; `gone`: the reader no longer waits.
   */
  async series(
    host: HostState,
    parameters: URLSearchParams,
    reader = '',
    gone: () => boolean = () => false,
  ): Promise<SeriesAnswer> {
    onlyThese(parameters, ['metric', 'from', 'to', 'points']);
    const metric = parameters.get('metric') ?? '';
    if (metric === '') throw new Refused(400, '"metric" is missing');
    const to = wholeNumber(parameters, 'to', Date.now(), Number.MAX_SAFE_INTEGER);
    const from = wholeNumber(parameters, 'from', Math.max(0, to - DAY), Number.MAX_SAFE_INTEGER);
    if (from > to) throw new Refused(400, '"from" is after "to"');
    const points = Math.max(2, wholeNumber(parameters, 'points', 300, MOST.points));
    return this.#turns.take(reader, gone, (pause) =>
      readHistory(host, { metric, from, to, points }, this.#fleet.series, this.#store, pause),
    );
  }

  /** Attention first, then by name. */
  #all(): readonly HostRow[] {
    this.#sorted ??= sorted(this.#fleet.rows.all()).flatMap(({ id }) => this.#fleet.find(id) ?? []);
    return this.#fleet.rows.of(this.#sorted);
  }
}

function sorted(rows: Iterable<HostRow>): HostRow[] {
  const rank = ({ attention }: HostRow) => (attention.length > 0 ? 0 : 1);
  return [...rows].sort((a, b) => rank(a) - rank(b) || compareNames(a.name, b.name));
}

/** The attributes of an event of the inventory, without their prefix. */
function inventoryIn(attributes: HostEvent['attributes'] | null): Record<string, string> {
  const named = Object.entries(attributes ?? {}).filter(([key]) => key.startsWith('inventory.'));
  return Object.fromEntries(named.map(([key, text]) => [key.slice('inventory.'.length), String(text)]));
}
