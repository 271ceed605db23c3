/**
 * Files that were found right once, under one configuration and by one build of the agent: as long as all three are the
 * same bytes, parsing them again would find the same. Kept in /run, where only root writes.
 */
export class KnownFiles {
  private readonly identity: string;
  private readonly files: Map<string, string>;
  private grown = false;

  /** `text` is what `toText` gave once; it counts only for the same `identity`. */
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

  /** To keep for the next time; null where nothing is new. */
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
