/** The types of the store's rows. */
import type { HostEvent } from '../api.ts';
import type { Chunk, HostState } from '../hosts/host-state.ts';
import type { Series } from '../series/series.ts';

export interface StoredEvent extends Omit<HostEvent, 'id'> {
  readonly host: number;
  /** When it arrived, in milliseconds since the epoch by our clock. */
  readonly arrived: number;
  /** The event's id, unique for its host, which shows repeats; null if unknown. */
  readonly record: string | null;
}

/** The content of one commit, which is written completely or not at all. */
export interface Changes {
  /** Entries and their number. Without entries, nothing is written. */
  readonly journal: { readonly id: number; readonly entries: Buffer };
  readonly chunks: readonly Chunk[];
  readonly hosts: Iterable<HostState>;
  /** New series, each with the number of its first host. */
  readonly series: readonly (Series & { readonly host: number })[];
  /** Numbers of series without a host, and the time since then. */
  readonly gone: ReadonlyMap<number, number>;
  readonly events: readonly StoredEvent[];
  /** Numbers of hosts to delete. */
  readonly forgotten: readonly number[];
  /** Hosts whose dependences are new. */
  readonly told: Iterable<HostState>;
  /** Hosts with askers of name servers to store. */
  readonly asked: Iterable<HostState>;
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
  readonly retired: number;
}

/** The dependences of a host as they are stored. */
export interface StoredTold {
  readonly host: number;
  readonly arrived: number;
  readonly body: string;
}

/** An asker of a name server as it is stored. */
export interface StoredAsked {
  readonly host: number;
  readonly server: string;
  readonly unit: string;
  readonly user: string;
  readonly first: number;
  readonly last: number;
}
