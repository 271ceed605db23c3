/** How fast a number grows over the last minutes, so that a few routes that come and go are no trend. */
const WINDOW = 10 * 60_000;
/** Milliseconds between two stored points. More frequent readings are not worth the memory. */
const STEP = 10_000;

export class Growth {
  #points: { time: number; value: number }[] = [];

  /**
   * Takes a value and its time, in milliseconds of a clock that never runs back. Returns the growth per second since
   * the oldest value of the last ten minutes; null for the first value.
   */
  add(time: number, value: number): number | null {
    const last = this.#points.at(-1);
    if (last === undefined || time - last.time >= STEP) this.#points.push({ time, value });
    while (this.#points.length > 2 && this.#points[1]!.time <= time - WINDOW) this.#points.shift();
    const first = this.#points[0]!;
    return time > first.time ? ((value - first.value) / (time - first.time)) * 1000 : null;
  }
}
