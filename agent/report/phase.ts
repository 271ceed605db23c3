/** When a host beats: at the same wall-clock moments as long as it lives, and each host at moments of its own. */

/** Milliseconds into the interval at which this host beats. `seed`: at least 12 hexadecimal digits, another for each host. */
export function beatPhase(seed: string, interval: number): number {
  return Number.parseInt(seed.replaceAll('-', '').slice(0, 12), 16) % interval;
}

/** Milliseconds from `now` (since the epoch) to the next beat, more than 0 and at most `interval`. */
export function untilNextBeat(now: number, interval: number, phase: number): number {
  return interval - ((((now - phase) % interval) + interval) % interval);
}
