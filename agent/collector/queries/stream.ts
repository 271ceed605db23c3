/**
 * `GET /api/v1/stream`: sends changes to every open page, at most once a second (server-sent events, HTML standard).
 */
import type { ServerResponse } from 'node:http';
import { Shares } from '../admission/shares.ts';
import type { HostRow, SummaryAnswer } from '../api.ts';

const MOST_READERS = 1_000;
/** The most readers of one sender. */
const MOST_OF_SENDER = 400;
/** The most rows in one message, and characters without the last row. Further rows go with the next message. */
const MOST_ROWS = 500;
const MOST_CHARACTERS = 1024 * 1024;
/** Bytes that a reader may be behind. A slower reader is disconnected, and its page starts anew. */
const MOST_BEHIND = 4 * 1024 * 1024;
/** Seconds without a message after which a comment shows that the connection lives. */
const QUIET = 15;

export class Stream {
  readonly #readers = new Set<ServerResponse>();
  readonly #senders = new Shares();
  /** Rows by id, in the order of sending. */
  readonly #changed = new Map<string, HostRow>();
  readonly #beaten = new Map<string, HostRow>();
  #quiet = 0;
  /** The last sent trouble and number of hosts. */
  #told = '';

  /** Adds a reader. Returns false if there are too many, in all or of this sender. */
  add(response: ServerResponse, sender: string, first: SummaryAnswer): boolean {
    if (this.#readers.size >= MOST_READERS || this.#senders.of(sender) >= MOST_OF_SENDER) return false;
    this.#senders.add(sender, 1);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(message([], first));
    this.#readers.add(response);
    response.once('close', () => {
      this.#readers.delete(response);
      this.#senders.add(sender, -1);
    });
    return true;
  }

  /** Notes rows to send: rows that changed, and rows in which only the time of the last heartbeat changed. */
  note({ changed, beaten }: { changed: readonly HostRow[]; beaten: readonly HostRow[] }): void {
    if (this.#readers.size === 0) {
      this.#changed.clear();
      this.#beaten.clear();
      return;
    }
    for (const row of beaten) {
      if (this.#changed.has(row.id)) this.#changed.set(row.id, row);
      else this.#beaten.set(row.id, row);
    }
    for (const row of changed) {
      this.#beaten.delete(row.id);
      this.#changed.set(row.id, row);
    }
  }

  /**
   * Sends the noted rows. Rows where only the time changed are sent as far as there is room. Trouble, lost
   * hosts and rollouts are sent without rows.
   */
  send(summary: () => SummaryAnswer): void {
    if (this.#readers.size === 0) return;
    const { trouble, hosts: count, rollouts } = summary();
    const other = JSON.stringify([trouble, count, rollouts]);
    const rows: string[] = [];
    let characters = 0;
    for (const waiting of [this.#changed, this.#beaten]) {
      for (const [id, row] of waiting) {
        if (rows.length >= MOST_ROWS || characters >= MOST_CHARACTERS) break;
        waiting.delete(id);
        const text = JSON.stringify(row);
        rows.push(text);
        characters += text.length;
      }
    }
    this.#quiet += 1;
    if (rows.length > 0 || other !== this.#told) this.#write(message(rows, summary()));
    else if (this.#quiet >= QUIET) this.#write(': still here\n\n');
    this.#told = other;
  }

  close(): void {
    for (const reader of this.#readers) reader.end();
  }

  #write(text: string): void {
    this.#quiet = 0;
    const bytes = Buffer.from(text);
    for (const reader of this.#readers) {
      reader.write(bytes);
      if (reader.writableLength > MOST_BEHIND) reader.destroy();
    }
  }
}

/** Makes a StreamMessage (api.ts) from rows that are JSON already. */
function message(rows: readonly string[], summary: SummaryAnswer): string {
  return `data: {"hosts":[${rows.join(',')}],"summary":${JSON.stringify(summary)}}\n\n`;
}
