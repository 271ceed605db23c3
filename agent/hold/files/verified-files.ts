/**
 * Files that were found right, with the configuration and the agent's build. While all three stay the same, parsing the
 * files again would give the same result. Saved in /run, where only root writes.
 */
export class KnownFiles {
  private readonly identity: string;
  private readonly files: Map<string, string>;
  private grown = false;

  /** `text` is an earlier result of `toText`; it counts only for the same `identity`. */
  constructor(identity: string, text: string | null = null) {
    this.identity = identity;
    this.files = text === null ? new Map() : parse(text, identity);
  }

  has(path: string, content: string): boolean {
    return this.files.get(path) === content;
  }

  add(path: string, content: string): void {
    this.files.set(path, content);
    this.grown = true;
  }

  /** The file's present text if it was found right before, otherwise what `make` returns. */
  async wanted(path: string, actual: string | null, make: () => Promise<string>): Promise<string> {
    if (actual !== null && this.has(path, actual)) return actual;
    const wanted = await make();
    if (actual === wanted) this.add(path, actual);
    return wanted;
  }

  /** The text to save; null if nothing changed. */
  toText(): string | null {
    return this.grown ? JSON.stringify({ identity: this.identity, files: [...this.files] }) : null;
  }
}

function parse(text: string, identity: string): Map<string, string> {
  try {
    const kept = JSON.parse(text) as { identity: string; files: [string, string][] };
    return new Map(kept.identity === identity ? kept.files : []);
  } catch {
    return new Map();
  }
}
