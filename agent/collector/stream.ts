/** `GET /api/v1/stream`: what changed, to every page that is open, at most once a second (server-sent events, HTML standard). */
import type { ServerResponse } from 'node:http';
import type { HostRow, SummaryAnswer } from './api.ts';
import { Shares } from './shares.ts';

const MOST_READERS = 1_000;
/** Readers of one sender. */
const MOST_OF_SENDER = 400;
/** Rows in one message, and characters of all of them but the last; what is left over goes with the next. */
const MOST_ROWS = 500;
const MOST_CHARACTERS = 1024 * 1024;
/** Bytes that a reader may be behind: then it is let go, and its page starts anew. */
const MOST_BEHIND = 4 * 1024 * 1024;
/** Messages' seconds without one: a comment keeps the connection from being thought dead. */
const QUIET = 15;

export class Stream {
  readonly #readers = new Set<ServerResponse>();
  readonly #senders = new Shares();
  /** By id, in the order in which they are to be sent. */
  readonly #changed = new Map<string, HostRow>();
  readonly #beaten = new Map<string, HostRow>();
  #quiet = 0;
  /** Trouble and the number of hosts, as they were sent last. */
  #told = '';

  /** false: there are too many readers, or too many of this sender. */
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

  /** Notes what is to be sent: the rows that changed, and those where only the time of the last heartbeat did. */
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

  /** Sends what was noted; rows where only the time did change go as far as there is room. Trouble, and hosts that went, are told without any row. */
  send(summary: () => SummaryAnswer): void {
    if (this.#readers.size === 0) return;
    const { trouble, hosts: count } = summary();
    const other = JSON.stringify([trouble, count]);
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

/** A StreamMessage (api.ts), of rows that are JSON already. */
function message(rows: readonly string[], summary: SummaryAnswer): string {
  return `data: {"hosts":[${rows.join(',')}],"summary":${JSON.stringify(summary)}}\n\n`;
}
