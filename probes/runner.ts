/**
 * Runs probes so that no probe can harm another. Each probe has its own time limit. A probe that hangs is not started
 * again before it has ended. A probe whose cost grows with the routing tables runs less often the longer it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Occurrence, Probe, Reading, Sample } from './probe.ts';
import { sample } from './probe.ts';

/** The result of one reading. */
export interface ProbeReport {
  readonly probe: string;
  /** Whether the probe saw everything. */
  readonly success: boolean;
  /** True if the probe saw only a part. The readings are true, and the error names the missing part. */
  readonly partly: boolean;
  /** Seconds. */
  readonly duration: number;
  /** Empty if the probe failed: earlier conditions are then unknown, neither true nor over. */
  readonly readings: readonly (Sample | Condition)[];
  /** Why the probe failed. */
  readonly error: string | null;
}

export type OnOccurrence = (occurrence: Occurrence, probe: string) => void;

/** Milliseconds until a reading counts as failed. */
const TIME_LIMIT = { constant: 2_000, scales: 60_000 } as const;

/** Milliseconds for a probe to release its resources. */
const CLOSING = 2_000;

/** Milliseconds, beyond three intervals, in which no reading of any probe ended. After that, this process hangs. */
const ALL_HANG = 2 * TIME_LIMIT.scales;

/** The part of the time that all scaling probes together may take: under 1 % of one core. */
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

  /** Never throws, and takes no longer than the time limit. Events that come later are also passed on. */
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

  /** When a reading last ended by itself, or when this object was made. By the clock of performance.now(). */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /** Drops the results of a running reading, because the next reading sees the same again. */
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

/** The samples about the probe itself. */
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
  /** The part of the time for each scaling probe. */
  readonly #share: number;
  readonly #timers = new Map<ProbeRunner, NodeJS.Timeout>();
  readonly #last = new Map<ProbeRunner, ProbeReport>();
  #closed = false;

  /**
   * @param interval milliseconds between heartbeats, the pace of probes without their own interval.
   * @param timeLimit milliseconds for each reading, in place of the usual limits.
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

  /** Begins to read the probes with their own interval. */
  start(): void {
    for (const runner of this.#onTheirOwn) void this.#readAndPlan(runner);
  }

  /**
   * Returns a report of every probe. Probes that are read at heartbeats are read now. Of all other probes the last
   * report is returned, or nothing before their first report. Never throws, and takes no longer than the time limit of
   * a probe of constant cost.
   */
  async heartbeat(): Promise<ProbeReport[]> {
    const now = await Promise.all(this.#atHeartbeat.map((runner) => runner.read()));
    return [...now, ...this.#last.values()];
  }

  /**
   * Whether any probe still ends. A single probe that hangs reports that itself; if all hang, this process is at fault.
   */
  healthy(now: number): boolean {
    const ends = [...this.#atHeartbeat, ...this.#onTheirOwn].map(({ lastEnd }) => lastEnd);
    return ends.length === 0 || now - Math.max(...ends) < 3 * this.#interval + ALL_HANG;
  }

  /** Ends all readings, and lets each probe release its resources. Never throws, and takes at most two seconds. */
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
