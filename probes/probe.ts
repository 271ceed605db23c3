/** The contract of everything that is only looked at. A probe that fails says so: it never reports 0 for "don't know". */
import type { MetricName } from './metrics.ts';

export interface Probe {
  readonly name: string;
  /** `scales`: costs more the more routes there are, so its own duration sets its interval (under 1 % of one core). */
  readonly cost: 'constant' | 'scales';
  /** Milliseconds between its readings where a heartbeat's own pace does not fit: what must be seen soon, what sends packets. */
  readonly interval?: number;
  /** Milliseconds until a reading counts as failed, where the usual time is too short. Only with an interval of its own. */
  readonly timeLimit?: number;
  /** Throws where it cannot see; what it gives is true. `signal` ends it at its time limit. */
  read(signal: AbortSignal): Promise<Reading[]>;
  /** What the last reading could not see, although it saw the rest; null: it saw all. */
  blind?(): string | null;
  /** What people are shown of the last reading instead of its samples: rows of cells, the head first. */
  table?(): string[][];
  /** Called when the events of a reading are in other hands: what has been told may be remembered as told. */
  handedOn?(): void;
  /** Gives back what it holds: descriptors, routes of its own. */
  close?(): Promise<void>;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type Reading = Sample | Condition | Occurrence;

/** One measured value. */
export interface Sample {
  readonly kind: 'sample';
  readonly metric: MetricName;
  readonly value: number;
  readonly attributes: Attributes;
}

/** Something that is wrong for as long as it is reported: the daemon makes events of its coming and going. */
export interface Condition {
  readonly kind: 'condition';
  /** Stable, greppable: `default-nexthops`, `table-near-limit`. */
  readonly code: string;
  readonly severity: Severity;
  /** A sentence with what to do about it. */
  readonly body: string;
  readonly attributes: Attributes;
}

/** Something that happened once. */
export interface Occurrence {
  readonly kind: 'event';
  /** `holdfast.` and a dotted name: `holdfast.memory_error`, `holdfast.route_failure`. */
  readonly name: string;
  readonly severity: Severity;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly body: string;
  readonly attributes: Attributes;
}

export type Severity = 'info' | 'warn' | 'error';

export function sample(metric: MetricName, value: number, attributes: Attributes = {}): Sample {
  return { kind: 'sample', metric, value, attributes };
}
