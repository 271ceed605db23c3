/** The rows of the store, as the rest of the collector has them. */
import type { HostEvent } from './api.ts';
import type { Chunk, Host } from './host.ts';
import type { Series } from './series.ts';

export interface StoredEvent extends Omit<HostEvent, 'id'> {
  readonly host: number;
  /** When it came, in milliseconds since the epoch, by our clock. */
  readonly arrived: number;
  /** Tells a repeat from another event: unique for its host; null: unknown. */
  readonly record: string | null;
}

/** What one commit writes, all or nothing. */
export interface Changes {
  /** Entries, and the number that they are to have; none: nothing is written. */
  readonly journal: { readonly id: number; readonly entries: Buffer };
  readonly chunks: readonly Chunk[];
  readonly hosts: Iterable<Host>;
  /** With the number of the host that had each first. */
  readonly series: readonly (Series & { readonly host: number })[];
  /** Numbers of series that no host has any more, and since when. */
  readonly gone: ReadonlyMap<number, number>;
  readonly events: readonly StoredEvent[];
  /** Numbers of hosts of which nothing is to be kept. */
  readonly forgotten: readonly number[];
}

export interface StoredHost {
  readonly id: number;
  readonly key: string;
  readonly resource: object;
  readonly attention: object;
  readonly memoryErrors: readonly [number, { counted: number; events: number }][];
  readonly sender: string;
  readonly start: number;
  readonly seen: number;
}
