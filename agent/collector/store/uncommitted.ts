/** Everything taken since the last commit, which waits for the disk. */
import type { Chunk, HostState } from '../hosts/host-state.ts';
import type { SeriesTable } from '../series/series.ts';
import type { ChunkJournal } from './chunk-journal.ts';
import type { Store } from './store.ts';
import type { StoredEvent } from './stored.ts';

export class Uncommitted {
  readonly journal: ChunkJournal;
  chunks: Chunk[] = [];
  /** Hosts with changes other than heartbeats. */
  changed = new Set<HostState>();
  events: StoredEvent[] = [];
  forgotten: number[] = [];
  /** Hosts whose dependences are new. */
  told = new Set<HostState>();
  /** Hosts with askers of name servers to store. */
  asked = new Set<HostState>();

  constructor(journal: ChunkJournal) {
    this.journal = journal;
  }

  /** Drops a host: nothing of it is stored, and its stored rows are deleted. */
  forget(host: HostState): void {
    this.changed.delete(host);
    this.told.delete(host);
    this.asked.delete(host);
    this.forgotten.push(host.id);
  }

  /** Completes the open chunk of a host. */
  close(host: HostState): void {
    const chunk = host.close();
    if (chunk !== null) this.chunks.push(chunk);
  }

  get any(): boolean {
    const rows = this.events.length + this.chunks.length + this.changed.size + this.forgotten.length;
    return this.journal.length + rows + this.told.size + this.asked.size > 0;
  }

  /**
   * Writes everything. Returns the new events, and the number of repeated ones. If it throws, everything still waits.
   */
  commit(store: Store, series: SeriesTable): { events: StoredEvent[]; repeats: number } {
    const events = store.commit({
      journal: { id: this.journal.number, entries: this.journal.view() },
      chunks: this.chunks,
      hosts: this.changed,
      series: series.unsaved(),
      gone: series.gone(),
      events: this.events,
      forgotten: this.forgotten,
      told: this.told,
      asked: this.asked,
    });
    series.saved();
    for (const host of this.asked) host.asked?.saved();
    this.journal.stored();
    const repeats = this.events.length - events.length;
    this.chunks = [];
    this.changed = new Set();
    this.events = [];
    this.forgotten = [];
    this.told = new Set();
    this.asked = new Set();
    return { events, repeats };
  }
}
