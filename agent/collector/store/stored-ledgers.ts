/** What the database holds for the verdict: dependences, askers of name servers, and the expected hosts. */
import { writeTold } from '../dependences/told.ts';
import type { HostState } from '../hosts/host-state.ts';
import type { ExpectedHost } from '../retire/expected.ts';
import type { Database } from './database.ts';
import type { StoredAsked, StoredTold } from './stored.ts';

export class StoredLedgers {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  told(): Iterable<StoredTold> {
    return this.#db.iterate('SELECT host, arrived, body FROM told');
  }

  asked(): Iterable<StoredAsked> {
    return this.#db.iterate('SELECT * FROM asked');
  }

  expected(): ExpectedHost[] {
    return this.#db.all<ExpectedHost>("SELECT * FROM expected WHERE kind IN ('given', 'lost') ORDER BY seen");
  }

  /** Part of a transaction. Dependences that could not be read, or are contested, leave none. */
  saveTold({ id, told, speaker }: HostState): void {
    if (told === null || speaker.isContested) this.#db.run('DELETE FROM told WHERE host = ?', id);
    else this.#db.run('INSERT OR REPLACE INTO told VALUES (?, ?, ?)', id, told.arrived, writeTold(told));
  }

  /** Part of a transaction. */
  saveAsked({ id, asked }: HostState): void {
    for (const { server, unit, user, first, last } of asked?.unsaved() ?? []) {
      const sql = 'INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?)';
      this.#db.run(sql, id, server, unit, user, Math.round(first), Math.round(last));
    }
  }

  /** Part of a transaction. */
  forget(host: number): void {
    this.#db.run('DELETE FROM told WHERE host = ?', host);
    this.#db.run('DELETE FROM asked WHERE host = ?', host);
  }

  /** Deletes askers that asked nothing since `time`. */
  forgetAsked(time: number): void {
    this.#db.run('DELETE FROM asked WHERE last < ?', time);
  }

  /** Stores these in place of all others, or nothing if it throws. */
  saveExpected(all: Iterable<ExpectedHost>): void {
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM expected');
      const sql = 'INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?)';
      for (const { kind, id, name, seen, sender } of all) this.#db.run(sql, kind, id, name, seen, sender);
    });
  }
}
