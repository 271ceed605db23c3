/** Spreads the heartbeats of a fleet: each host beats at its own fixed moments of the wall clock. */

/**
 * Milliseconds into the interval at which this host beats. `seed` has at least 12 hexadecimal digits and differs by
 * host.
 */
export function beatPhase(seed: string, interval: number): number {
  return Number.parseInt(seed.replaceAll('-', '').slice(0, 12), 16) % interval;
}

/** Milliseconds from `now` (since the epoch) to the next beat: more than 0, at most `interval`. */
export function untilNextBeat(now: number, interval: number, phase: number): number {
  return interval - ((((now - phase) % interval) + interval) % interval);
}
