/** Deletes rows from the database, a few at a time, and measures its size. */
import type { Database } from './database.ts';

/** A host's size on disk. */
export interface HostBytes {
  readonly id: number;
  readonly sender: string;
  readonly bytes: number;
}

/** A host that must shrink to `most` bytes. */
export interface PruningTarget {
  readonly id: number;
  readonly most: number;
}

export class Pruning {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Bytes in use, without deleted rows. */
  size(): number {
    const sql =
      'SELECT (page_count - freelist_count) * page_size AS size FROM pragma_page_count, pragma_freelist_count, pragma_page_size';
    return this.#db.one<{ size: number }>(sql)?.size ?? 0;
  }

  /** Returns unused pages to the file system. */
  shrink(pages: number): void {
    this.#db.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  /**
   * Deletes at most `limit` chunks, events and unused series that came before `time`. Returns how many.
   *
   * Rows are in order of arrival, and every row before a kept row is also kept. A row of the future came while our
   * clock was wrong, so it is deleted together with the rows after it.
   */
  forget(time: number, now: number, limit: number): number {
    return this.#db.transaction(
      () =>
        this.#forget('chunks', 'seen', time, now, limit) +
        this.#forget('events', 'coalesce(arrived, time)', time, now, limit) +
        this.#db.run(
          'DELETE FROM series WHERE id IN (SELECT id FROM series WHERE gone IS NOT NULL AND gone < ? LIMIT ?)',
          time,
          limit,
        ),
    );
  }

  #forget(table: string, came: string, time: number, now: number, limit: number): number {
    // Finds the first row that is neither too old nor of the future. The search passes only rows that will be deleted.
    const stays = `SELECT id FROM ${table} WHERE ${came} >= ? AND ${came} <= ? ORDER BY id LIMIT 1`;
    const first = this.#db.one<{ id: number }>(stays, time, now)?.id ?? Number.MAX_SAFE_INTEGER;
    const goes = `SELECT id FROM ${table} WHERE id < ? AND ${came} < ? ORDER BY id DESC LIMIT 1`;
    const last = this.#db.one<{ id: number }>(goes, first, time)?.id;
    if (last === undefined) return 0;
    const rows = `SELECT id FROM ${table} WHERE id <= ? ORDER BY id LIMIT ?`;
    return this.#db.run(`DELETE FROM ${table} WHERE id IN (${rows})`, last, limit);
  }

  hostBytes(): HostBytes[] {
    return this.#db.all('SELECT id, sender, bytes FROM hosts WHERE bytes > 0');
  }

  /**
   * Deletes at most `limit` rows of too large hosts, each host's oldest first. Removes finished hosts from the list.
   * Returns how many.
   */
  trim(targets: PruningTarget[], limit: number): number {
    return this.#db.transaction(() => {
      let gone = 0;
      for (let left = limit; left > 0; left -= 1) {
        const target = targets.at(-1);
        if (target === undefined) break;
        const excess = this.#bytesOf(target.id) - target.most;
        const deleted = excess > 0 ? this.#forgetOldest(target.id, rowsOf(excess, left)) : 0;
        if (deleted === 0) targets.pop();
        gone += deleted;
        left -= deleted;
      }
      return gone;
    });
  }

  /** The host's size; 0 if the host is gone. */
  #bytesOf(host: number): number {
    return this.#db.one<{ bytes: number }>('SELECT bytes FROM hosts WHERE id = ?', host)?.bytes ?? 0;
  }

  /**
   * Deletes at most `limit` of a host's rows: its oldest chunks first, then unused series, then events. Returns how
   * many.
   */
  #forgetOldest(host: number, limit: number): number {
    for (const [table, which] of [
      ['chunks', ''],
      ['series', 'AND gone IS NOT NULL'],
      ['events', ''],
    ]) {
      const oldest = `SELECT id FROM ${table} WHERE host = ? ${which} ORDER BY id LIMIT ?`;
      const gone = this.#db.run(`DELETE FROM ${table} WHERE id IN (${oldest})`, host, limit);
      if (gone > 0) return gone;
    }
    return 0;
  }

  /** Deletes at most `limit` rows of forgotten hosts. Returns how many. */
  forgetForgotten(limit: number): number {
    return this.#db.transaction(() => {
      let gone = 0;
      for (let left = limit; left > 0; left -= 1) {
        const host = this.#db.one<{ host: number }>('SELECT host FROM forgotten LIMIT 1')?.host;
        if (host === undefined) break;
        const deleted = this.#forgetOldest(host, left);
        if (deleted === 0) this.#db.run('DELETE FROM forgotten WHERE host = ?', host);
        gone += Math.max(1, deleted);
        left -= deleted;
      }
      return gone;
    });
  }
}

/** The number of rows to delete, at a guess of 1 KiB each, so that few too many are deleted. */
function rowsOf(bytes: number, limit: number): number {
  return Math.max(1, Math.min(limit, Math.floor(bytes / 1024)));
}
