/** What waits for the disk: all that was taken since the last commit. */
import type { Chunk, Host } from './host.ts';
import type { Journal } from './journal.ts';
import type { SeriesTable } from './series.ts';
import type { Store } from './store.ts';
import type { StoredEvent } from './stored.ts';

export class Pending {
  readonly journal: Journal;
  chunks: Chunk[] = [];
  /** Hosts of which something is to be stored, other than their heartbeats. */
  changed = new Set<Host>();
  events: StoredEvent[] = [];
  forgotten: number[] = [];

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** Nothing of it is to be stored, and what was is to go. */
  forget(host: Host): void {
    this.changed.delete(host);
    this.forgotten.push(host.id);
  }

  get any(): boolean {
    const rows = this.events.length + this.chunks.length + this.changed.size + this.forgotten.length;
    return this.journal.length + rows > 0;
  }

  /** Writes it; gives the events that were not stored before, and how many were. Throws where it cannot: then all of it waits on. */
  commit(store: Store, series: SeriesTable): { events: StoredEvent[]; repeats: number } {
    const events = store.commit({
      journal: { id: this.journal.number, entries: this.journal.view() },
      chunks: this.chunks,
      hosts: this.changed,
      series: series.unsaved(),
      gone: series.gone(),
      events: this.events,
      forgotten: this.forgotten,
    });
    series.saved();
    this.journal.stored();
    const repeats = this.events.length - events.length;
    this.chunks = [];
    this.changed = new Set();
    this.events = [];
    this.forgotten = [];
    return { events, repeats };
  }
}
