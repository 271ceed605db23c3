/** Keeps the store within its age and size: a little at a time, so that heartbeats need not wait for it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Store } from './store.ts';

/** Rows that are deleted in one go, and pages that are given back. */
const ROWS = 500;
const PAGES = 2_000;
/** Of the size that is allowed: deleting goes on to here, so that it does not begin again at once. */
const ENOUGH = 0.95;

/** `keep` in milliseconds, `maxSize` in bytes. `stopped`: the collector ends meanwhile. */
export async function retain(
  store: Store,
  { keep, maxSize }: { keep: number; maxSize: number },
  now: number,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped() && store.forget(now - keep, ROWS) > 0) await turn();
  if (!stopped() && store.size() > maxSize) {
    while (!stopped() && store.size() > maxSize * ENOUGH && store.forget(Number.MAX_SAFE_INTEGER, ROWS) > 0)
      await turn();
  }
  if (!stopped()) store.shrink(PAGES);
}
