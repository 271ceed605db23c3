/** One look after several changes that belong together. */

/**
 * Milliseconds of quiet before a look, and the longest wait for quiet, so that changes that belong together are seen
 * together. `ip route flush` lists again after each pass, and would delete ten times the routes that are put back in
 * the meantime.
 */
const TOGETHER = { quiet: 15, longest: 100 } as const;

export class CalmLook {
  readonly #look: () => void;
  #soon: { readonly timer: NodeJS.Timeout; readonly since: number } | null = null;

  constructor(look: () => void) {
    this.#look = look;
  }

  /** Looks soon: after a moment without another call. */
  ask(): void {
    const now = performance.now();
    const since = this.#soon?.since ?? now;
    clearTimeout(this.#soon?.timer);
    const look = () => {
      this.#soon = null;
      this.#look();
    };
    const wait = Math.max(0, Math.min(TOGETHER.quiet, since + TOGETHER.longest - now));
    this.#soon = { timer: setTimeout(look, wait), since };
  }

  close(): void {
    clearTimeout(this.#soon?.timer);
  }
}
