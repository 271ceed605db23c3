/** The contract of probes. A probe that cannot see throws; it never reports 0 for "don't know". */
import type { MetricName } from './metrics.ts';

export interface Probe {
  readonly name: string;
  /** `scales`: the cost grows with the number of routes, so the duration sets the interval (under 1 % of one core). */
  readonly cost: 'constant' | 'scales';
  /**
   * Milliseconds between readings, if the pace of heartbeats does not fit: to see faults soon, or to send fewer
   * packets.
   */
  readonly interval?: number;
  /**
   * Milliseconds until a reading counts as failed, if the usual time is too short. Only for probes with their own
   * interval.
   */
  readonly timeLimit?: number;
  /** Returns true readings, or throws if it cannot see. `signal` ends it at its time limit. */
  read(signal: AbortSignal): Promise<Reading[]>;
  /** The part that the last reading could not see although it saw the rest; null if it saw everything. */
  blind?(): string | null;
  /** A table to print in place of the last reading's samples: rows of cells, the head first. */
  table?(): string[][];
  /** Called after the events of a reading were taken, so that the probe may remember them as emitted. */
  handedOn?(): void;
  /** Releases the probe's descriptors and routes. */
  close?(): Promise<void>;
}

export type SampleAttributes = Readonly<Record<string, string | number | boolean>>;

export type Reading = Sample | Condition | Occurrence;

/** One measured value. */
export interface Sample {
  readonly kind: 'sample';
  readonly metric: MetricName;
  readonly value: number;
  readonly attributes: SampleAttributes;
}

/** A fault that is reported for as long as it lasts. The daemon emits an event when it begins and when it ends. */
export interface Condition {
  readonly kind: 'condition';
  /** Stable, greppable: `default-nexthops`, `table-near-limit`. */
  readonly code: string;
  readonly severity: EventSeverity;
  /** A sentence that says what is wrong and what to do. */
  readonly body: string;
  /** A sentence that says what to do, for the event of the beginning only: at the end it would mislead. */
  readonly remedy?: string;
  readonly attributes: SampleAttributes;
}

/** An event that happened once. */
export interface Occurrence {
  readonly kind: 'event';
  /** `holdfast.` and a dotted name: `holdfast.memory_error`, `holdfast.route_failure`. */
  readonly name: string;
  readonly severity: EventSeverity;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly body: string;
  readonly attributes: SampleAttributes;
}

export type EventSeverity = 'info' | 'warn' | 'error';

export function sample(metric: MetricName, value: number, attributes: SampleAttributes = {}): Sample {
  return { kind: 'sample', metric, value, attributes };
}
