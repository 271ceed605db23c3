/** Cuts the parts of an answer into lines. */

/** Bytes of a line. The rest of a longer line is left out. */
const LONGEST = 4096;

export class Lines {
  readonly #take: (line: string) => void;
  #rest = '';

  /** `take` gets each line without its end, in latin1. */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  take(part: Buffer): void {
    const lines = (this.#rest + part.toString('latin1')).split('\n');
    this.#rest = lines.pop()!.slice(0, LONGEST);
    for (const line of lines) this.#take(line.slice(0, LONGEST));
  }

  /** Passes on a last line that has no end. */
  end(): void {
    if (this.#rest !== '') this.#take(this.#rest);
    this.#rest = '';
  }
}
