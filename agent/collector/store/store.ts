/**
 * The collector's data on disk (database.ts has the layout).
 *
 * Heartbeats are appended to a journal, where many hosts share a row. A complete chunk is moved to `chunks`, one row
 * for each host. The disk therefore gets few and long writes, however many hosts there are. The write-ahead log with
 * `synchronous = FULL` is flushed at every commit, so committed data survives a power cut.
 *
 * An unreadable row is left out and counted; no other row is lost with it.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Chunk, HostState } from '../hosts/host-state.ts';
import type { Series } from '../series/series.ts';
import { Database } from './database.ts';
import { LeftOut } from './left-out.ts';
import { Pruning } from './pruning.ts';
import { asMemoryErrors, asNumber, asObject, safe } from './row-checks.ts';
import type { Changes, StoredEvent, StoredHost } from './stored.ts';
import { StoredEvents } from './stored-events.ts';
import { StoredLedgers } from './stored-ledgers.ts';
import { StoredRollouts } from './stored-rollouts.ts';

interface Numbers {
  readonly hosts: number;
  readonly series: number;
}

export class Store {
  readonly pruning: Pruning;
  readonly ledgers: StoredLedgers;
  readonly rollouts: StoredRollouts;
  readonly events: StoredEvents;
  readonly leftOut = new LeftOut();
  readonly #db: Database;

  /**
   * Makes the folder and the database if missing. Throws if another collector uses the database, or if it is damaged.
   */
  constructor(folder: string) {
    this.#db = new Database(folder);
    this.pruning = new Pruning(this.#db);
    this.ledgers = new StoredLedgers(this.#db);
    this.rollouts = new StoredRollouts(this.#db, this.leftOut);
    this.events = new StoredEvents(this.#db, this.leftOut);
  }

  close(): void {
    this.#db.close();
  }

  size(): number {
    return this.pruning.size();
  }

  /** All hosts. If a part of a row is unreadable, the host comes without that part. */
  hosts(): StoredHost[] {
    type Row = Record<'key' | 'resource' | 'attention' | 'memory_errors' | 'sender', string> &
      Record<'id' | 'start' | 'seen' | 'retired', number>;
    const rows = this.#db.all<Row>('SELECT * FROM hosts ORDER BY id');
    return rows.flatMap((row) => {
      if (this.leftOut.read('a host', () => asNumber(row.id)) === null) return [];
      return {
        ...row,
        resource: this.leftOut.read('attributes of a host', () => asObject(JSON.parse(row.resource))) ?? {},
        attention: this.leftOut.read('attention of a host', () => asObject(JSON.parse(row.attention))) ?? {},
        memoryErrors:
          this.leftOut.read('memory errors of a host', () => asMemoryErrors(JSON.parse(row.memory_errors))) ?? [],
        start: this.leftOut.read('when an agent started', () => asNumber(row.start)) ?? 0,
        retired: this.leftOut.read('when a host was retired', () => asNumber(row.retired)) ?? 0,
        // A time in the future becomes the present time.
        seen: this.leftOut.read('when a host was heard', () => asNumber(row.seen)) ?? Number.MAX_SAFE_INTEGER,
      };
    });
  }

  /** The series that had a host at the last commit. */
  series(): Series[] {
    return this.#seriesOf('SELECT * FROM series WHERE gone IS NULL');
  }

  /** The series of a number; undefined if it is no longer stored. */
  seriesOf(id: number): Series | undefined {
    return this.#seriesOf('SELECT * FROM series WHERE id = ?', id)[0];
  }

  /** The numbers of the next host and of the next series. */
  numbers(): Numbers {
    const read = this.leftOut.read('the numbers of hosts and series', () => {
      const { hosts, series } = this.#db.one<Numbers>('SELECT hosts, series FROM numbers')!;
      return { hosts: asNumber(hosts), series: asNumber(series) };
    });
    return read ?? this.#numbersInUse();
  }

  /** The rows of the journal, oldest first. */
  journal(): Iterable<{ id: number; entries: Uint8Array }> {
    return this.#db.iterate(`SELECT id, entries FROM journal WHERE ${safe('id')} ORDER BY id`);
  }

  /** The last number that an entry of the journal had. */
  lastJournal(): number {
    const sql = `SELECT max(id) AS last FROM journal WHERE ${safe('id')}`;
    return (
      this.leftOut.read('the number of the last heartbeats', () => this.#db.one<{ last: number | null }>(sql)?.last) ??
      0
    );
  }

  /** The last chunk of a host that was not late. */
  newestChunk(host: number): Chunk | null {
    const sql = 'SELECT * FROM chunks WHERE host = ? AND late = 0 ORDER BY id DESC LIMIT 1';
    return this.#chunks(sql, host)[0] ?? null;
  }

  /** When the collector began with an empty database, in milliseconds since the epoch by our clock; 0 if long ago. */
  begun(): number {
    const read = () => asNumber(this.#db.one<{ begun: number }>('SELECT begun FROM numbers')!.begun);
    return this.leftOut.read('when the collector began', read) ?? Date.now();
  }

  /** The numbers of the chunks with frames between two times, in order of arrival. */
  chunkNumbers(host: number, from: number, to: number): number[] {
    const sql = 'SELECT id FROM chunks WHERE host = ? AND to_time >= ? AND from_time <= ? ORDER BY id';
    return this.#db.all<{ id: number }>(sql, host, from, to).map(({ id }) => id);
  }

  /** null if the chunk is no longer kept. */
  chunk(number: number): Chunk | null {
    return this.#chunks('SELECT * FROM chunks WHERE id = ?', number)[0] ?? null;
  }

  /** Commits all or nothing. Returns the events that are new. */
  commit({ journal, chunks, hosts, series, gone, events, forgotten, told, asked }: Changes): StoredEvent[] {
    const run = this.#db.run.bind(this.#db);
    return this.#db.transaction(() => {
      for (const host of forgotten) {
        run('DELETE FROM hosts WHERE id = ?', host);
        run('INSERT OR IGNORE INTO forgotten VALUES (?)', host);
        this.ledgers.forget(host);
      }
      for (const host of hosts) this.#saveHost(host);
      for (const host of told) this.ledgers.saveTold(host);
      for (const host of asked) this.ledgers.saveAsked(host);
      for (const { id, host, metric, unit, attributes } of series) {
        const text = JSON.stringify(attributes);
        run(
          'INSERT OR IGNORE INTO series (id, metric, unit, attributes, host) VALUES (?, ?, ?, ?, ?)',
          id,
          metric,
          unit,
          text,
          host,
        );
        run('UPDATE numbers SET series = max(series, ?)', id + 1);
      }
      for (const [id, since] of gone) run('UPDATE series SET gone = ? WHERE id = ?', since, id);
      for (const { host, from, to, seen, late, frames } of chunks) {
        const sql = 'INSERT INTO chunks (host, from_time, to_time, seen, late, frames) VALUES (?, ?, ?, ?, ?, ?)';
        run(sql, host, from, to, seen, Number(late), deflateRawSync(frames));
      }
      if (journal.entries.length > 0) run('INSERT INTO journal VALUES (?, ?)', journal.id, journal.entries);
      return events.filter((event) => this.events.save(event));
    });
  }

  forgetJournal(before: number): void {
    this.#db.run('DELETE FROM journal WHERE id < ?', before);
  }

  #saveHost({ id, key, resource, attention, memoryErrors, sender, start, seen, retired }: HostState): void {
    const texts = [resource, Object.fromEntries(attention), [...memoryErrors]].map((value) => JSON.stringify(value));
    this.#db.run('DELETE FROM hosts WHERE key = ? AND id <> ?', key, id);
    this.#db.run(
      `INSERT INTO hosts (id, key, resource, attention, memory_errors, sender, start, seen, retired)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, attention = excluded.attention,
         memory_errors = excluded.memory_errors, sender = excluded.sender, start = excluded.start, seen = excluded.seen,
         retired = excluded.retired`,
      id,
      key,
      ...texts,
      sender,
      start,
      seen,
      retired,
    );
    this.#db.run('UPDATE numbers SET hosts = max(hosts, ?)', id + 1);
  }

  /** Never gives a number again that any row of the database has. */
  #numbersInUse(): Numbers {
    const largest = (table: string, column: string) => `SELECT max(${column}) FROM ${table} WHERE ${safe(column)}`;
    const of = [
      ['hosts', 'id'],
      ['chunks', 'host'],
      ['events', 'host'],
      ['forgotten', 'host'],
    ] as const;
    const host = of.map(([table, column]) => `coalesce((${largest(table, column)}), -1)`).join();
    const numbers = `SELECT max(${host}) + 1 AS hosts, coalesce((${largest('series', 'id')}), -1) + 1 AS series`;
    return this.#db.transaction(() => {
      this.#db.run('DELETE FROM numbers');
      this.#db.run(`INSERT INTO numbers ${numbers}, unixepoch() * 1000`);
      return this.#db.one<Numbers>('SELECT hosts, series FROM numbers')!;
    });
  }

  #seriesOf(sql: string, ...values: number[]): Series[] {
    type Row = { id: number; metric: string; unit: string; attributes: string };
    return this.#db.all<Row>(sql, ...values).flatMap(({ id, metric, unit, attributes }) => {
      const read = this.leftOut.read('a series', () => {
        asNumber(id);
        return asObject(JSON.parse(attributes));
      });
      return read === null ? [] : [{ id, metric, unit, attributes: read as Series['attributes'] }];
    });
  }

  #chunks(sql: string, ...values: number[]): Chunk[] {
    type Row = { host: number; from_time: number; to_time: number; seen: number; late: number; frames: Uint8Array };
    return this.#db.all<Row>(sql, ...values).flatMap(({ host, from_time, to_time, seen, late, frames }) => {
      const read = this.leftOut.read('a run of heartbeats', () => inflateRawSync(frames));
      if (read === null) return [];
      return [{ host, from: from_time, to: to_time, seen, late: late !== 0, frames: read }];
    });
  }

  /** Repeats a read that failed, which may end the damage. */
  lookAgain(): void {
    this.#db.lookAgain();
  }

  /** A sentence about data that cannot be read from the disk; null if there is none. */
  damageSentence(): string | null {
    return this.#db.damage === null ? null : `Parts of what is stored cannot be read: ${this.#db.damage}`;
  }
}
