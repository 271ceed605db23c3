/** Rollouts by waves, beside the fleet: takes the questions and results of hosts, and the decisions of operators. */
import type { HostRow, RolloutRow } from '../api.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ExpectedHosts } from '../retire/expected.ts';
import { knownHosts } from '../retire/known-hosts.ts';
import type { Store } from '../store/store.ts';
import { rolloutRows } from '../waves/rollout-rows.ts';
import { Rollouts, type RolloutsOptions } from '../waves/rollouts.ts';
import { DEFAULT_WAVES, parseWaves } from '../waves/wave-sizes.ts';
import { WaveDesk } from './wave-desk.ts';

export interface WavesOptions {
  /** As `--waves` has it. */
  readonly waves?: string | undefined;
  /** The rollout stops when so many of its changes were put back. */
  readonly stopAfter?: number | undefined;
}

/** Milliseconds for which the number of hosts, and the list of rollouts, are used again. Each costs a look at all. */
const FRESH = { known: 5_000, rows: 500 } as const;
const STOP_AFTER = 1;

export type CheckedWaves = ReturnType<typeof checkedWaves>;

/** Throws a sentence if the options cannot be used. */
export function checkedWaves({ waves = DEFAULT_WAVES, stopAfter = STOP_AFTER }: WavesOptions) {
  return { sizes: parseWaves(waves), stopAfter };
}

export class Waves {
  readonly desk: WaveDesk;
  readonly #rollouts: Rollouts;
  readonly #fleet: Fleet;
  readonly #expected: ExpectedHosts;
  readonly #waves: number;
  #known = { at: Number.NEGATIVE_INFINITY, hosts: 0 };
  #rows: { at: number; rows: readonly RolloutRow[] } = { at: Number.NEGATIVE_INFINITY, rows: [] };

  /** `log` gets each stop. */
  constructor(
    fleet: Fleet,
    expected: ExpectedHosts,
    store: Store,
    { sizes, stopAfter }: CheckedWaves,
    log: (message: string) => void,
  ) {
    this.#fleet = fleet;
    this.#expected = expected;
    this.#waves = sizes.length;
    const known = () => this.#knownHosts(Date.now());
    const options: RolloutsOptions = {
      sizes,
      stopAfter,
      known,
      nameOf: (key) => nameOf(fleet, key),
      beaten: (key) => fleet.find(key)?.pulse.beaten ?? 0,
      save: (changes) => store.rollouts.save(changes),
      stopped: ({ id, stop }, key) => {
        const body = `rollout ${id} stopped: ${stop?.why}`;
        log(body);
        const host = key === null ? undefined : fleet.find(key);
        const event = { name: 'holdfast.rollout.stopped', severity: 'error' as const, body };
        if (host !== undefined) fleet.keep(host, { ...event, attributes: { rollout: id } }, Date.now());
      },
    };
    this.#rollouts = new Rollouts(options, Date.now());
    store.rollouts.restore(this.#rollouts);
    this.desk = new WaveDesk(fleet, this.#rollouts, known);
  }

  /** At most half a second old. */
  rows(now = Date.now()): readonly RolloutRow[] {
    if (Math.abs(now - this.#rows.at) >= FRESH.rows)
      this.#rows = { at: now, rows: rolloutRows(this.#rollouts, () => this.#knownHosts(now), this.#waves, now) };
    return this.#rows.rows;
  }

  /** Takes the rows of hosts that changed. */
  take(rows: Iterable<HostRow>, now: number): void {
    for (const { id, wave } of rows) if (wave !== null) this.#rollouts.heard(id, wave, now);
  }

  /** `isDeaf`: the collector takes no heartbeats now. */
  look(now: number, isDeaf: boolean): void {
    this.#rollouts.look(now, isDeaf);
  }

  tidy(now: number): void {
    this.#rollouts.tidy(now);
  }

  shift(by: number): void {
    this.#rollouts.shift(by);
  }

  /** Stops a rollout, or lets it go on. Returns false if there is no such rollout. */
  decide(id: string, what: 'stop' | 'continue', now: number): boolean {
    const rollout = this.#rollouts.find(id);
    if (rollout === undefined) return false;
    if (what === 'stop') this.#rollouts.stop(rollout, now);
    else this.#rollouts.goOn(rollout, now);
    this.#rows.at = Number.NEGATIVE_INFINITY;
    return true;
  }

  #knownHosts(now: number): number {
    if (Math.abs(now - this.#known.at) >= FRESH.known)
      this.#known = { at: now, hosts: knownHosts(this.#fleet.hosts, this.#expected, now).length };
    return this.#known.hosts;
  }
}

/** null if the collector does not know the host any more. */
function nameOf(fleet: Fleet, key: string): string | null {
  const host = fleet.find(key);
  if (host === undefined || host.retired > 0) return null;
  return String(host.resource['host.name'] ?? '') || key;
}
