/**
 * What the collector keeps on disk: one SQLite database (node:sqlite, https://www.sqlite.org/wal.html).
 *
 * Heartbeats are appended to a journal, many hosts' in one row, and moved to `chunks`, one host's in one row, when a
 * chunk is complete: so the disk sees few and long writes however many hosts there are. A write-ahead log with
 * `synchronous = FULL` is flushed at every commit: what was committed is there after a power cut too.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { HostEvent } from './api.ts';
import type { Chunk, Host } from './host.ts';
import type { Series } from './series.ts';

export interface StoredEvent extends HostEvent {
  readonly host: number;
  /** Tells a repeat from another event: unique for its host; null: unknown. */
  readonly record: string | null;
}

/** What one commit writes, all or nothing. */
export interface Changes {
  /** Entries, and the number that they are to have; none: nothing is written. */
  readonly journal: { readonly id: number; readonly entries: Buffer };
  readonly chunks: readonly Chunk[];
  readonly hosts: Iterable<Host>;
  readonly series: readonly Series[];
  readonly events: readonly StoredEvent[];
}

export interface StoredHost {
  readonly id: number;
  readonly key: string;
  readonly resource: string;
  readonly attention: string;
  readonly memory_errors: string;
}

/** Of this layout; a database of another one is refused. */
const VERSION = 1;

const SCHEMA = `
  CREATE TABLE hosts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, resource TEXT NOT NULL, attention TEXT NOT NULL,
    memory_errors TEXT NOT NULL) STRICT;
  CREATE TABLE series (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, unit TEXT NOT NULL, attributes TEXT NOT NULL) STRICT;
  CREATE TABLE journal (id INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
  CREATE TABLE chunks (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, from_time INTEGER NOT NULL,
    to_time INTEGER NOT NULL, seen INTEGER NOT NULL, frames BLOB NOT NULL) STRICT;
  CREATE INDEX chunks_of_host ON chunks (host, to_time);
  CREATE TABLE events (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, time INTEGER NOT NULL, name TEXT NOT NULL,
    severity TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL, record TEXT) STRICT;
  CREATE INDEX events_of_host ON events (host, time);
  CREATE UNIQUE INDEX events_once ON events (host, record) WHERE record IS NOT NULL;
  PRAGMA user_version = ${VERSION};
`;

/** SQLite goes by names alone: who may write there could have it open, and write, any file of ours. */
function refuseShared(folder: string): void {
  const { uid, mode } = statSync(folder);
  const whose = uid === process.geteuid?.() ? '' : `belongs to user ${uid}: run it as that user, or chown it`;
  const problem = whose || ((mode & 0o022) === 0 ? '' : `may be written by others (chmod go-w ${folder})`);
  if (problem !== '') throw new Error(`${folder} ${problem}`);
}

export class Store {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /** Makes the folder and the database where there are none. Throws where another collector has it, or it is broken. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseShared(folder);
    const file = join(folder, 'collector.db');
    this.#db = new DatabaseSync(file);
    try {
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
      this.#db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY');
      this.#db.exec('BEGIN IMMEDIATE');
      const { user_version } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
      if (user_version === 0) this.#db.exec(SCHEMA);
      else if (user_version !== VERSION) throw new Error(`it has layout ${user_version}, this agent has ${VERSION}`);
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.close();
      const { message } = error as Error;
      const reason = message.includes('locked') ? 'another collector is using it' : message;
      throw new Error(`${file} cannot be used: ${reason}`);
    }
  }

  close(): void {
    this.#db.close();
  }

  hosts(): StoredHost[] {
    return this.#all<StoredHost>('SELECT * FROM hosts ORDER BY id');
  }

  series(): Series[] {
    const rows = this.#all<{ id: number; metric: string; unit: string; attributes: string }>('SELECT * FROM series');
    return rows.map((row) => ({ ...row, attributes: JSON.parse(row.attributes) }));
  }

  /** Oldest first. */
  *journal(): Generator<{ id: number; entries: Uint8Array }> {
    yield* this.#statement('SELECT id, entries FROM journal ORDER BY id').iterate() as Iterable<never>;
  }

  /** The last number that an entry of the journal had. */
  lastJournal(): number {
    return this.#all<{ last: number | null }>('SELECT max(id) AS last FROM journal')[0]?.last ?? 0;
  }

  newestChunk(host: number): Chunk | null {
    const sql = 'SELECT * FROM chunks WHERE host = ? ORDER BY to_time DESC LIMIT 1';
    return this.#chunks(sql, host)[0] ?? null;
  }

  /** Those that have frames between two times. */
  chunks(host: number, from: number, to: number): Chunk[] {
    return this.#chunks('SELECT * FROM chunks WHERE host = ? AND to_time >= ? AND from_time <= ?', host, from, to);
  }

  /** Newest first. */
  events(host: number, before: number, limit: number): HostEvent[] {
    const sql = `SELECT time, name, severity, body, attributes FROM events WHERE host = ? AND time < ?
      ORDER BY time DESC, id DESC LIMIT ?`;
    const rows = this.#all<Omit<HostEvent, 'attributes'> & { attributes: string }>(sql, host, before, limit);
    return rows.map((row) => ({ ...row, attributes: JSON.parse(row.attributes) }));
  }

  /** All or nothing. Gives the events that were not there before. */
  commit({ journal, chunks, hosts, series, events }: Changes): StoredEvent[] {
    return this.#transaction(() => {
      for (const { id, metric, unit, attributes } of series) {
        this.#run('INSERT INTO series VALUES (?, ?, ?, ?)', id, metric, unit, JSON.stringify(attributes));
      }
      for (const { id, key, resource, attention, memoryErrors } of hosts) {
        const texts = [resource, attention, [...memoryErrors]].map((value) => JSON.stringify(value));
        this.#run('INSERT OR REPLACE INTO hosts VALUES (?, ?, ?, ?, ?)', id, key, ...texts);
      }
      for (const { host, from, to, seen, frames } of chunks) {
        this.#run('INSERT INTO chunks VALUES (NULL, ?, ?, ?, ?, ?)', host, from, to, seen, deflateRawSync(frames));
      }
      if (journal.entries.length > 0) this.#run('INSERT INTO journal VALUES (?, ?)', journal.id, journal.entries);
      return events.filter(({ host, time, name, severity, body, attributes, record }) => {
        const sql = 'INSERT OR IGNORE INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)';
        return this.#run(sql, host, time, name, severity, body, JSON.stringify(attributes), record) > 0;
      });
    });
  }

  forgetJournal(before: number): void {
    this.#run('DELETE FROM journal WHERE id < ?', before);
  }

  /** Deletes at most `limit` of the oldest chunks and events, those that ended before `time`; gives how many. */
  forget(time: number, limit: number): number {
    return this.#transaction(
      () =>
        this.#run(
          'DELETE FROM chunks WHERE id IN (SELECT id FROM (SELECT id, to_time FROM chunks ORDER BY id LIMIT ?) WHERE to_time < ?)',
          limit,
          time,
        ) +
        this.#run(
          'DELETE FROM events WHERE id IN (SELECT id FROM (SELECT id, time FROM events ORDER BY id LIMIT ?) WHERE time < ?)',
          limit,
          time,
        ),
    );
  }

  /** Bytes in use; what was deleted does not count. */
  size(): number {
    const [row] = this.#all<{ size: number }>(
      'SELECT (page_count - freelist_count) * page_size AS size FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
    );
    return row?.size ?? 0;
  }

  /** Gives pages that are not used back to the file system. */
  shrink(pages: number): void {
    this.#db.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  #chunks(sql: string, ...values: number[]): Chunk[] {
    type Row = { host: number; from_time: number; to_time: number; seen: number; frames: Uint8Array };
    return this.#all<Row>(sql, ...values).map(({ host, from_time, to_time, seen, frames }) => {
      return { host, from: from_time, to: to_time, seen, frames: inflateRawSync(frames) };
    });
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has rolled back already where the disk is full.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #all<T>(sql: string, ...values: (number | string)[]): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  #run(sql: string, ...values: (number | string | null | Uint8Array)[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
