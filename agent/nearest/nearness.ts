/**
 * The measured part of the configuration: the last measurements, when to measure again, and the desired state they
 * make.
 */
import type { ConfiguredState, DesiredState, Nearest, SortlistEntry } from '../config/desired.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { complete, nearestOf, sharesOf } from './complete.ts';
import type { Measured } from './measure.ts';
import {
  type Measurement,
  type Measurements,
  parseMeasurements,
  readMeasurements,
  targetOf,
  writeMeasurements,
} from './measurement-record.ts';
import { reorder } from './order.ts';

/** Intervals after which a measurement is no longer fresh, and after which it is reported as old. */
const FRESH_FOR = 2;
const OLD_AFTER = 10;

/** The state of one target. */
export interface NearestView {
  /** `puppet.example.com:8140`. */
  readonly target: string;
  /** The last good measurement; null if there never was one. */
  readonly last: Measurement | null;
  /** Milliseconds since then; 0 if the clock was set back since. */
  readonly age: number | null;
  /** Whether it is missing, or so old that the operator should know. */
  readonly old: boolean;
  /** The addresses that are written into the sortlist, the nearest first. */
  readonly written: readonly string[];
}

/** The result of one try to measure. */
export interface Attempt {
  readonly nearest: Nearest;
  readonly target: string;
  /** When the try began, in milliseconds since the epoch. */
  readonly began: number;
  readonly measured: Measured | null;
  /** Why nothing could be measured. */
  readonly problem: string | null;
}

export class Nearness {
  readonly nearest: readonly Nearest[];
  readonly #host: Host;
  readonly #configured: ConfiguredState;
  #text: string | null;
  #record: Measurements;
  #desired: DesiredState;

  /** Throws HostError if the record cannot be read. */
  constructor(host: Host, configured: ConfiguredState) {
    this.#host = host;
    this.#configured = configured;
    this.nearest = nearestOf(configured);
    this.#text = this.nearest.length === 0 ? null : readMeasurements(host);
    this.#record = parseMeasurements(this.#text);
    this.#desired = complete(configured, this.#record);
  }

  /** The state with the last measurement, by whichever process. The same object until it changes. Throws HostError. */
  desired(): DesiredState {
    this.#refresh();
    return this.#desired;
  }

  /** The targets to measure now; none in a `--root` folder, because this network is not that host's. */
  due(now = Date.now()): Nearest[] {
    this.#refresh();
    if (this.#host.root !== '/') return [];
    return this.nearest.filter((one) => {
      const age = ageOf(this.#record[targetOf(one)], now);
      return age === null || age < 0 || age >= FRESH_FOR * one.interval;
    });
  }

  /** Changes nothing. See measure.ts for the time that it takes. Never throws. */
  attempt(nearest: readonly Nearest[], signal = new AbortController().signal): Promise<Attempt[]> {
    return Promise.all(nearest.map((one) => this.#attempt(one, signal)));
  }

  /** Saves the result. Returns whether the desired state changed. Throws HostError. */
  note(attempts: readonly Attempt[]): boolean {
    this.#refresh();
    const before = this.#desired;
    const found = attempts.flatMap(({ target, began, measured }) => {
      const last = this.#record[target];
      // Another process has measured in the meantime. One round must count only once.
      if (measured === null || (last !== undefined && last.measured >= began && last.measured <= Date.now())) return [];
      return [[target, newer(last, measured)] as const];
    });
    if (found.length > 0) {
      const known = this.nearest.map(targetOf).flatMap((target) => {
        const last = this.#record[target];
        return last === undefined ? [] : [[target, last] as const];
      });
      writeMeasurements(this.#host, Object.fromEntries([...known, ...found]));
    }
    return this.desired() !== before;
  }

  views(now = Date.now()): NearestView[] {
    this.#refresh();
    const entries: readonly SortlistEntry[] = this.#configured.dns?.sortlist ?? [];
    const shares = sharesOf(entries, this.#record);
    return this.nearest.map((one) => {
      const target = targetOf(one);
      const last = this.#record[target] ?? null;
      const age = ageOf(last ?? undefined, now);
      return {
        target,
        last,
        age: age === null ? null : Math.max(0, age),
        old: age === null || age >= OLD_AFTER * one.interval,
        written: shares.get(target) ?? [],
      };
    });
  }

  async #attempt(nearest: Nearest, signal: AbortSignal): Promise<Attempt> {
    const target = targetOf(nearest);
    const known = this.#record[target]?.order.map(({ address }) => address) ?? [];
    const common = { nearest, target, began: Date.now() };
    try {
      // Imported here, because commands that only look need not load it.
      const { measure } = await import('./measure.ts');
      return { ...common, measured: await measure(nearest, known, signal), problem: null };
    } catch (error) {
      return { ...common, measured: null, problem: errorMessage(error) };
    }
  }

  #refresh(): void {
    if (this.nearest.length === 0) return;
    const text = readMeasurements(this.#host);
    if (text === this.#text) return;
    this.#text = text;
    this.#record = parseMeasurements(text);
    const desired = complete(this.#configured, this.#record);
    if (desired.dns?.sortlist?.join() !== this.#desired.dns?.sortlist?.join()) this.#desired = desired;
  }
}

function newer(last: Measurement | undefined, { times, named }: Measured): Measurement {
  return { measured: Date.now(), order: reorder(last?.order ?? [], times, named), found: named.size };
}

/** Milliseconds; negative if the clock was set back; null if never measured. */
function ageOf(last: Measurement | undefined, now: number): number | null {
  return last === undefined ? null : now - last.measured;
}
