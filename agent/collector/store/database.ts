/**
 * The collector's SQLite database (node:sqlite, https://www.sqlite.org/wal.html): its layout, transactions, statements.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DatabaseError } from './database-error.ts';

type Value = number | string | null | Uint8Array;

/** Each step makes a layout from the previous layout. A database with a later layout is refused. */
const STEPS: readonly string[] = [
  `CREATE TABLE hosts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, resource TEXT NOT NULL, attention TEXT NOT NULL,
     memory_errors TEXT NOT NULL) STRICT;
   CREATE TABLE series (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, unit TEXT NOT NULL, attributes TEXT NOT NULL) STRICT;
   CREATE TABLE journal (id INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
   CREATE TABLE chunks (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, from_time INTEGER NOT NULL,
     to_time INTEGER NOT NULL, seen INTEGER NOT NULL, frames BLOB NOT NULL) STRICT;
   CREATE INDEX chunks_of_host ON chunks (host, to_time);
   CREATE TABLE events (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, time INTEGER NOT NULL, name TEXT NOT NULL,
     severity TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL, record TEXT) STRICT;
   CREATE INDEX events_of_host ON events (host, time);
   CREATE UNIQUE INDEX events_once ON events (host, record) WHERE record IS NOT NULL;`,
  // Triggers keep hosts.bytes: the size of a host's rows in the other tables, with 100 bytes a row for keys and
  // indexes. `numbers` has the next number of a host and of a series. Numbers are never used twice, because chunks
  // refer to them.
  `ALTER TABLE hosts ADD COLUMN sender TEXT NOT NULL DEFAULT '';
   ALTER TABLE hosts ADD COLUMN start INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE hosts ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE hosts ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE series ADD COLUMN host INTEGER NOT NULL DEFAULT -1;
   ALTER TABLE series ADD COLUMN gone INTEGER;
   ALTER TABLE chunks ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE events ADD COLUMN arrived INTEGER;
   CREATE INDEX series_gone ON series (host, gone) WHERE gone IS NOT NULL;
   CREATE INDEX chunks_current ON chunks (host) WHERE late = 0;
   CREATE TABLE forgotten (host INTEGER PRIMARY KEY) STRICT;
   CREATE TABLE numbers (hosts INTEGER NOT NULL, series INTEGER NOT NULL) STRICT;
   INSERT INTO numbers SELECT (SELECT coalesce(max(id) + 1, 0) FROM hosts), (SELECT coalesce(max(id) + 1, 0) FROM series);
   UPDATE hosts SET seen = coalesce((SELECT max(seen) FROM chunks WHERE host = hosts.id), unixepoch() * 1000),
     bytes = coalesce((SELECT sum(length(frames) + 100) FROM chunks WHERE host = hosts.id), 0)
       + coalesce((SELECT sum(length(body) + length(attributes) + 100) FROM events WHERE host = hosts.id), 0);
   CREATE TRIGGER chunk_comes AFTER INSERT ON chunks BEGIN
     UPDATE hosts SET bytes = bytes + length(NEW.frames) + 100, seen = NEW.seen WHERE id = NEW.host; END;
   CREATE TRIGGER chunk_goes AFTER DELETE ON chunks BEGIN
     UPDATE hosts SET bytes = bytes - length(OLD.frames) - 100 WHERE id = OLD.host; END;
   CREATE TRIGGER event_comes AFTER INSERT ON events BEGIN
     UPDATE hosts SET bytes = bytes + length(NEW.body) + length(NEW.attributes) + 100, seen = NEW.arrived WHERE id = NEW.host; END;
   CREATE TRIGGER event_goes AFTER DELETE ON events BEGIN
     UPDATE hosts SET bytes = bytes - length(OLD.body) - length(OLD.attributes) - 100 WHERE id = OLD.host; END;
   CREATE TRIGGER series_comes AFTER INSERT ON series BEGIN
     UPDATE hosts SET bytes = bytes + length(NEW.attributes) + 100 WHERE id = NEW.host; END;
   CREATE TRIGGER series_goes AFTER DELETE ON series BEGIN
     UPDATE hosts SET bytes = bytes - length(OLD.attributes) - 100 WHERE id = OLD.host; END;`,
  // `told` and `asked` are bounded by the room of their hosts in memory, so retention does not count them.
  `ALTER TABLE hosts ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE told (host INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
   CREATE TABLE asked (host INTEGER NOT NULL, server TEXT NOT NULL, unit TEXT NOT NULL, user TEXT NOT NULL,
     first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (host, server, unit, user)) STRICT, WITHOUT ROWID;
   CREATE TABLE expected (kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, seen INTEGER NOT NULL,
     sender TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;`,
  // `begun`: when the collector began with an empty database. 0 for a database that had hosts before this layout.
  `ALTER TABLE numbers ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
   UPDATE numbers SET begun = unixepoch() * 1000 WHERE hosts = 0;`,
  // Both have no more rows than there are hosts. Hosts that only wait are not stored.
  `CREATE TABLE rollouts (id TEXT PRIMARY KEY, named INTEGER NOT NULL, wave INTEGER NOT NULL, begun INTEGER NOT NULL,
     admitted_at INTEGER NOT NULL, touched INTEGER NOT NULL, stopped INTEGER, why TEXT NOT NULL,
     by_operator INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE admitted (host TEXT PRIMARY KEY, rollout TEXT NOT NULL, configuration TEXT NOT NULL, change TEXT NOT NULL,
     standing TEXT NOT NULL, since INTEGER NOT NULL, within INTEGER NOT NULL, excused INTEGER NOT NULL)
     STRICT, WITHOUT ROWID;`,
];

/** All tables of the last layout: if one is missing, the database is damaged. */
const TABLES = [
  ...['hosts', 'series', 'journal', 'chunks', 'events', 'forgotten', 'numbers', 'told', 'asked', 'expected'],
  ...['rollouts', 'admitted'],
];

/** SQLite opens files by name. A user who may write in the folder could make it open, and write, any file of ours. */
function refuseShared(folder: string): void {
  const { uid, mode } = statSync(folder);
  const whose = uid === process.geteuid?.() ? '' : `belongs to user ${uid}: run it as that user, or chown it`;
  const problem = whose || ((mode & 0o022) === 0 ? '' : `may be written by others (chmod go-w ${folder})`);
  if (problem !== '') throw new Error(`${folder} ${problem}`);
}

/** Throws if the name belongs to something else, or if the file may not be opened. */
function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw new DatabaseError(file, error);
  }
}

/** The database throws only DatabaseErrors, except for errors in the work of a transaction. */
export class Database {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  /** The identity of the file and of its write-ahead log when they were opened. */
  readonly #opened = new Map<string, string>();
  /** The last read outside of commits that failed, and what was wrong. */
  #damage: { readonly text: string; readonly read: () => void } | null = null;

  /**
   * Makes the folder and the database if missing. Throws if another collector uses the database, or if it is damaged.
   */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseShared(folder);
    this.#file = join(folder, 'collector.db');
    this.#db = open(this.#file);
    try {
      this.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
      this.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY');
      this.transaction(() => this.#layOut());
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The data outside of commits that cannot be read, and the remedy; null if there is none. */
  get damage(): string | null {
    return this.#damage?.text ?? null;
  }

  /** Repeats the read that failed. If it succeeds, the damage is over: a disk may fail for a moment. */
  lookAgain(): void {
    const failed = this.#damage;
    if (failed === null) return;
    this.#damage = null;
    try {
      // Otherwise the read finds the damaged pages in the cache again.
      this.exec('PRAGMA shrink_memory');
      failed.read();
    } catch (error) {
      this.#damage = failed;
      if (!(error instanceof DatabaseError)) throw error;
    }
  }

  #layOut(): void {
    const { user_version: layout } = this.one<{ user_version: number }>('PRAGMA user_version')!;
    if (layout > STEPS.length) {
      throw new Error(
        `${this.#file} cannot be used: it has layout ${layout}, this agent knows ${STEPS.length}: install a later agent`,
      );
    }
    for (const step of STEPS.slice(layout)) this.exec(step);
    this.exec(`PRAGMA user_version = ${STEPS.length}`);
    for (const table of TABLES) this.all(`SELECT 1 FROM ${table} LIMIT 0`);
  }

  close(): void {
    this.#db.close();
  }

  exec(sql: string): void {
    this.#told(() => this.#db.exec(sql));
  }

  /** Commits everything that `work` writes, or nothing if it throws. */
  transaction<T>(work: () => T): T {
    this.#refuseOther();
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has already rolled back if the disk is full.
      if (this.#db.isTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.#read(() => {
      const statement = this.#statement(sql);
      try {
        return statement.all(...values) as T[];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE') throw error;
        return inexactly(statement, values) as T[];
      }
    });
  }

  /** The first row; undefined if there is none. */
  one<T>(sql: string, ...values: Value[]): T | undefined {
    return this.all<T>(sql, ...values)[0];
  }

  *iterate<T>(sql: string): Generator<T> {
    const again = () => {
      for (const _row of this.#statement(sql).iterate());
    };
    const rows = this.#read(() => this.#statement(sql).iterate(), again);
    for (;;) {
      const next = this.#read(() => rows.next(), again);
      if (next.done === true) return;
      yield next.value as T;
    }
  }

  /** Returns the number of changed rows. */
  run(sql: string, ...values: Value[]): number {
    return this.#told(() => Number(this.#statement(sql).run(...values).changes));
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** Reads. `again` repeats a read that failed. A read of a commit is not noted, because the commit is repeated. */
  #read<T>(read: () => T, again: () => void = read): T {
    const commits = this.#db.isTransaction;
    try {
      return this.#told(read);
    } catch (error) {
      const { damage, message } = error as DatabaseError;
      if (damage && !commits) this.#damage = { text: message, read: () => this.#told(again) };
      throw error;
    }
  }

  #told<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new DatabaseError(this.#file, error);
    }
  }

  /**
   * SQLite goes on writing to a file that was deleted or replaced: data committed to it is lost when the collector
   * ends.
   */
  #refuseOther(): void {
    for (const file of [this.#file, `${this.#file}-wal`]) {
      const now = statSync(file, { throwIfNoEntry: false });
      const found = now === undefined ? 'none' : `${now.dev} ${now.ino}`;
      const opened = this.#opened.get(file);
      if (opened === undefined && now !== undefined) this.#opened.set(file, found);
      if (opened === undefined || opened === found) continue;
      const what = now === undefined ? 'was deleted or moved' : 'was replaced by another file';
      throw new Error(
        `${file} ${what} while the collector has it open: put the same file back, or start the collector again, which begins with what is there`,
      );
    }
  }
}

/** For numbers that are larger than JavaScript's exact integers. None of our own numbers is. */
function inexactly(statement: StatementSync, values: Value[]): object[] {
  statement.setReadBigInts(true);
  try {
    return statement.all(...values).map((row) => {
      const pairs = Object.entries(row);
      return Object.fromEntries(
        pairs.map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
      );
    });
  } finally {
    statement.setReadBigInts(false);
  }
}
