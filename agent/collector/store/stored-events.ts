/** The events of all hosts in the database. */
import type { HostEvent } from '../api.ts';
import type { Database } from './database.ts';
import type { LeftOut } from './left-out.ts';
import { asObject } from './row-checks.ts';
import type { StoredEvent } from './stored.ts';

/** The most extra events of one millisecond in a page of events. */
const MOST_OF_TIME = 1_000;

export class StoredEvents {
  readonly #db: Database;
  readonly #leftOut: LeftOut;

  constructor(db: Database, leftOut: LeftOut) {
    this.#db = db;
    this.#leftOut = leftOut;
  }

  /**
   * Events before a time, newest first. With an `id`: also the events of the same time that came before that event.
   * Without an `id`: up to MOST_OF_TIME more events of the last event's time follow, so that paging by time misses
   * none.
   */
  before(host: number, before: number, limit: number, id: number | null = null): HostEvent[] {
    const columns = 'SELECT id, time, name, severity, body, attributes FROM events WHERE host = ? AND';
    const order = 'ORDER BY time DESC, id DESC LIMIT ?';
    type Row = Omit<HostEvent, 'attributes'> & { attributes: string };
    const sql = `${columns} (time < ? OR (time = ? AND id < ?)) ${order}`;
    const rows = this.#db.all<Row>(sql, host, before, before, id ?? -1, limit);
    const last = rows.at(-1);
    if (id === null && last !== undefined && rows.length === limit) {
      rows.push(
        ...this.#db.all<Row>(`${columns} time = ? AND id < ? ${order}`, host, last.time, last.id, MOST_OF_TIME),
      );
    }
    return rows.map((row) => {
      const attributes = this.#leftOut.read('attributes of an event', () => asObject(JSON.parse(row.attributes))) ?? {};
      return { ...row, attributes: attributes as HostEvent['attributes'] };
    });
  }

  /** Attributes of the host's last inventory event; null if there is none. */
  inventory(host: number): HostEvent['attributes'] | null {
    const names = "('holdfast.inventory', 'holdfast.inventory.changed')";
    const sql = `SELECT attributes FROM events WHERE host = ? AND name IN ${names} ORDER BY time DESC, id DESC LIMIT 1`;
    const [row] = this.#db.all<{ attributes: string }>(sql, host);
    if (row === undefined) return null;
    return this.#leftOut.read('an inventory', () => asObject(JSON.parse(row.attributes))) as
      | HostEvent['attributes']
      | null;
  }

  /** Part of a transaction. Returns whether the event is new. */
  save({ host, time, arrived, name, severity, body, attributes, record }: StoredEvent): boolean {
    const sql = `INSERT OR IGNORE INTO events (host, time, arrived, name, severity, body, attributes, record)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
    const text = JSON.stringify(attributes);
    return this.#db.run(sql, host, time, arrived, name, severity, body, text, record) > 0;
  }
}
