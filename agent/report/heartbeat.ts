/** What a host tells its collector at each beat, and the events between. */
import type { Attributes, Occurrence, Sample } from '../../probes/probe.ts';

export interface Heartbeat {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** What Holdfast's own counters count from, in milliseconds since the epoch. */
  readonly start: number;
  /** When the machine booted, in milliseconds since the epoch: what the kernel's counters count from. Of old, not kept. */
  readonly boot?: number;
  /** 1 for the first heartbeat since `start`: a gap is a heartbeat that was lost. */
  readonly sequence: number;
  readonly samples: readonly Sample[];
  readonly events: readonly Occurrence[];
  readonly resource: Attributes;
}

/** A heartbeat's samples as they wait for the collector. */
export type Measurements = Omit<Heartbeat, 'events'>;

/** An event as it waits for the collector. */
export interface EventRecord {
  /** Stays the same however often the event is sent: `START-NUMBER`, the start's random number and the event's own. */
  readonly id: string;
  /** When the reporter was told, in milliseconds since the epoch. */
  readonly observed: number;
  readonly event: Occurrence;
  readonly resource: Attributes;
}
