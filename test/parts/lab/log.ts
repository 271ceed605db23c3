/** What a program prints, line by line, and waiting for a line: how the lab knows when something happened, without sleeping. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Far longer than anything here takes: the error then says what was printed instead. */
const PATIENCE_MS = 60_000;

export class Log {
  readonly lines: string[] = [];
  #ended = false;
  readonly #waiting = new Set<() => void>();

  readonly #patience: number;

  /** @param patience milliseconds until a line that does not come is an error. */
  constructor(stream: Readable, patience: number = PATIENCE_MS) {
    this.#patience = patience;
    const lines = createInterface(stream);
    lines.on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    lines.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** The first line from index `from` on that matches. Throws, with the last lines, where none comes. */
  async until(pattern: RegExp, from = 0): Promise<string> {
    return this.lines[await this.indexOf(pattern, from)]!;
  }

  /** The index of the line. */
  async indexOf(pattern: RegExp, from = 0): Promise<number> {
    const deadline = Date.now() + this.#patience;
    for (let next = from; ; ) {
      for (; next < this.lines.length; next++) if (pattern.test(this.lines[next]!)) return next;
      if (this.#ended || Date.now() > deadline) {
        const when = this.#ended ? 'before the end' : 'in time';
        throw new Error(`no line ${pattern} ${when}:\n${this.lines.slice(-30).join('\n')}`);
      }
      await this.#more(deadline);
    }
  }

  #more(deadline: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, deadline - Date.now()) + 1);
    this.#waiting.add(() => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
