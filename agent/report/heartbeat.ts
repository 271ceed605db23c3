/** The content of a heartbeat, and of an event. */
import type { Occurrence, Sample, SampleAttributes } from '../../probes/probe.ts';

export interface Heartbeat {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The start time of Holdfast's own counters, in milliseconds since the epoch. */
  readonly start: number;
  /**
   * The machine's boot, where the kernel's counters start, in milliseconds since the epoch. Older spools lack this
   * value.
   */
  readonly boot?: number;
  /** 1 for the first heartbeat since `start`. A gap means a lost heartbeat. */
  readonly sequence: number;
  readonly samples: readonly Sample[];
  readonly events: readonly Occurrence[];
  readonly resource: SampleAttributes;
}

/** A heartbeat's samples, waiting for the collector. */
export type HeartbeatMeasurements = Omit<Heartbeat, 'events'>;

/** An event, waiting for the collector. */
export interface EventRecord {
  /** `START-NUMBER`: the start's random number and the event's own. The same each time the event is sent. */
  readonly id: string;
  /** When the reporter received the event, in milliseconds since the epoch. */
  readonly observed: number;
  readonly event: Occurrence;
  readonly resource: SampleAttributes;
}
