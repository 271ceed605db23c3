/** Troubles of the collector itself. They are shown before its hosts, because they can make hosts look wrong. */
import type { Trouble } from '../api.ts';

export class Troubles {
  readonly #all = new Map<string, Trouble>();
  readonly #log: (message: string) => void;

  /** `log` gets each trouble when it begins, when its text changes, and when it ends. */
  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** If `text` is null, the trouble of this code is over. */
  set(code: string, text: string | null, now: number): void {
    const before = this.#all.get(code);
    if (text === null) {
      if (before !== undefined) this.#log(`over: ${before.text}`);
      this.#all.delete(code);
    } else if (before?.text !== text) {
      this.#log(text);
      this.#all.set(code, { code, text, since: before?.since ?? now });
    }
  }

  /** Runs `work`. An error becomes the trouble of this code; success ends it. */
  attempt(code: string, what: string, work: () => void, now: number): void {
    try {
      work();
      this.set(code, null, now);
    } catch (error) {
      this.set(code, `${what}: ${(error as Error).message}`, now);
    }
  }

  get list(): readonly Trouble[] {
    return [...this.#all.values()];
  }

  has(code: string): boolean {
    return this.#all.has(code);
  }
}
