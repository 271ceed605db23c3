/** The clock that never steps. `performance.now()` would load a part of Node that takes half a millisecond. */

/**
 * Milliseconds since the boot (CLOCK_MONOTONIC); the same in every process. Unlike `sinceBoot`, which reads a file, this
 * clock stands still while the machine sleeps.
 */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
