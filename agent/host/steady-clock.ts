/** The clock that never steps. `performance.now()` would load a part of Node that takes half a millisecond. */

/** Milliseconds since the boot; the same in every process. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
