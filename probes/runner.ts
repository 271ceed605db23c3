/**
 * Runs probes so that none can harm another: each has its own time limit, one that hangs is not started again before it
 * has ended, and what costs more the larger the routing tables are is run the more seldom the longer it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Occurrence, Probe, Reading, Sample } from './probe.ts';
import { sample } from './probe.ts';

/** What came of one reading. */
export interface ProbeReport {
  readonly probe: string;
  /** Whether it saw all that it is to see. */
  readonly success: boolean;
  /** It saw a part: the readings are true, and the error says what is missing. */
  readonly partly: boolean;
  /** Seconds. */
  readonly duration: number;
  /** None where it failed: what the probe said before is unknown now, neither true still nor over. */
  readonly readings: readonly (Sample | Condition)[];
  /** Why it failed. */
  readonly error: string | null;
}

export type OnOccurrence = (occurrence: Occurrence, probe: string) => void;

/** Milliseconds until a reading counts as failed. */
const TIME_LIMIT = { constant: 2_000, scales: 60_000 } as const;

/** Milliseconds for a probe to give back what it holds. */
const CLOSING = 2_000;

/** Milliseconds beyond three intervals without the end of any reading, of any probe: then it is not the probes. */
const ALL_HANG = 2 * TIME_LIMIT.scales;

/** The readings of all that scale together may take this part of the time: under 1 % of one core. */
const SHARE = 1 / 100;

export class ProbeRunner {
  readonly probe: Probe;
  readonly #onOccurrence: OnOccurrence;
  readonly #timeLimit: number;
  #reading: Promise<unknown> | null = null;
  #lastEnd = performance.now();
  #closed = false;

  constructor(probe: Probe, onOccurrence: OnOccurrence, timeLimit: number = probe.timeLimit ?? TIME_LIMIT[probe.cost]) {
    this.probe = probe;
    this.#onOccurrence = onOccurrence;
    this.#timeLimit = timeLimit;
  }

  /** Never throws, and takes no longer than the time limit. Events are handed on even if they come after it. */
  async read(): Promise<ProbeReport> {
    if (this.#reading !== null) return this.#failure(0, 'its last reading has not ended yet');
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    const abort = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new Error(`it did not end within ${this.#timeLimit / 1000} s`);
      abort.abort(error);
      reject(error);
    }, this.#timeLimit);
    const reading = this.#handOn(abort.signal);
    this.#reading = reading;
    const ended = () => {
      this.#reading = null;
      this.#lastEnd = performance.now();
    };
    reading.then(ended, ended);
    try {
      const readings = await Promise.race([reading, late]);
      const error = this.probe.blind?.() ?? null;
      const common = { probe: this.probe.name, duration: elapsed(), readings };
      return { ...common, success: error === null, partly: error !== null, error };
    } catch (error) {
      return this.#failure(elapsed(), error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** When a reading last ended by itself, well or not; at first, when this was made. Of performance.now(). */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /** What a reading that is still under way sees is not handed on: the next one to look sees it again. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.race([this.probe.close?.(), sleep(CLOSING, undefined, { ref: false })]);
  }

  async #handOn(signal: AbortSignal): Promise<(Sample | Condition)[]> {
    const readings = await this.probe.read(signal);
    if (this.#closed) return [];
    for (const reading of readings) if (reading.kind === 'event') this.#onOccurrence(reading, this.probe.name);
    this.probe.handedOn?.();
    return readings.filter(lasts);
  }

  #failure(duration: number, error: string): ProbeReport {
    return { probe: this.probe.name, success: false, partly: false, duration, readings: [], error };
  }
}

/** What a report says of the probe itself. */
export function probeSamples({ probe, success, duration }: ProbeReport): Sample[] {
  return [
    sample('holdfast.probe.success', success ? 1 : 0, { probe }),
    sample('holdfast.probe.duration', duration, { probe }),
  ];
}

export class ProbeSchedule {
  readonly #atHeartbeat: ProbeRunner[];
  readonly #onTheirOwn: ProbeRunner[];
  readonly #interval: number;
  /** Of the time, for each that scales. */
  readonly #share: number;
  readonly #timers = new Map<ProbeRunner, NodeJS.Timeout>();
  readonly #last = new Map<ProbeRunner, ProbeReport>();
  #closed = false;

  /**
   * @param interval milliseconds between heartbeats: the pace of what has none of its own.
   * @param timeLimit milliseconds for each reading, instead of the usual ones.
   */
  constructor(
    probes: readonly Probe[],
    { interval, onOccurrence, timeLimit }: { interval: number; onOccurrence: OnOccurrence; timeLimit?: number },
  ) {
    const runners = probes.map((probe) => new ProbeRunner(probe, onOccurrence, timeLimit));
    const own = ({ probe }: ProbeRunner) => probe.cost === 'scales' || probe.interval !== undefined;
    this.#onTheirOwn = runners.filter(own);
    this.#atHeartbeat = runners.filter((runner) => !own(runner));
    this.#interval = interval;
    this.#share = SHARE / probes.filter(({ cost }) => cost === 'scales').length;
  }

  /** Begins to read those that have a pace of their own. */
  start(): void {
    for (const runner of this.#onTheirOwn) void this.#readAndPlan(runner);
  }

  /**
   * The state of everything: what is read at heartbeats is read now, of the others the last report is given (nothing
   * before their first has come). Never throws; takes no longer than the time limit of a probe of constant cost.
   */
  async heartbeat(): Promise<ProbeReport[]> {
    const now = await Promise.all(this.#atHeartbeat.map((runner) => runner.read()));
    return [...now, ...this.#last.values()];
  }

  /** Whether any probe still sees. One that hangs says so by itself; where all do, it is this process that does not run. */
  healthy(now: number): boolean {
    const ends = [...this.#atHeartbeat, ...this.#onTheirOwn].map(({ lastEnd }) => lastEnd);
    return ends.length === 0 || now - Math.max(...ends) < 3 * this.#interval + ALL_HANG;
  }

  /** Reads no more, and lets each probe give back what it holds. Never throws, and takes no longer than two seconds. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.allSettled([...this.#atHeartbeat, ...this.#onTheirOwn].map((runner) => runner.close()));
  }

  async #readAndPlan(runner: ProbeRunner): Promise<void> {
    const report = await runner.read();
    if (this.#closed) return;
    this.#last.set(runner, report);
    const { cost, interval = this.#interval } = runner.probe;
    const affordable = cost === 'scales' ? (report.duration * 1000) / this.#share : 0;
    const timer = setTimeout(() => void this.#readAndPlan(runner), Math.max(interval, affordable));
    this.#timers.set(runner, timer);
  }
}

function lasts(reading: Reading): reading is Sample | Condition {
  return reading.kind !== 'event';
}
