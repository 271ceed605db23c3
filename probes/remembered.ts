/**
 * Saves in /run how far a log was read. A restarted agent goes on there, and the next boot begins anew. A lost note
 * costs only a repeated or a missed line, so nothing here throws.
 */
import type { Host } from '../agent/host/host.ts';
import { RUN_FOLDER } from '../agent/host/paths.ts';

export class Remembered<T> {
  readonly #host: Host;
  readonly #file: string;
  readonly #valid: (value: unknown) => value is T;
  #saved: string | null = null;

  constructor(host: Host, name: string, valid: (value: unknown) => value is T) {
    this.#host = host;
    this.#file = `${RUN_FOLDER}/${name}`;
    this.#valid = valid;
  }

  load(): T | null {
    try {
      const value: unknown = JSON.parse(this.#host.readText(this.#file) ?? 'null');
      return this.#valid(value) ? value : null;
    } catch {
      return null;
    }
  }

  save(value: T): void {
    const text = JSON.stringify(value);
    if (text === this.#saved) return;
    try {
      this.#host.makeFolder(RUN_FOLDER, 0o755);
      this.#host.replaceOwn(this.#file, text, 0o600);
      this.#saved = text;
    } catch {
      // /run is full or read-only. The next reading tries again.
    }
  }
}
