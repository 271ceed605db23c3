/** What is wrong with the collector itself: said before anything of its hosts, since it can make them look wrong. */
import type { Trouble } from './api.ts';

export class Troubles {
  readonly #all = new Map<string, Trouble>();
  readonly #log: (message: string) => void;

  /** `log` is told of each once when it begins, when its text changes, and when it is over. */
  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** `text` null: there is none of this code, or no more. */
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

  /** Does `work`; where it throws, that is the trouble, and where it does not, there is none. */
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
