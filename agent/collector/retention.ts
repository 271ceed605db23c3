/**
 * Keeps the store within its age and size: a little at a time, so that heartbeats need not wait for it.
 *
 * By age all are alike. By size, the sender that has the most gives first, and of it the host that has the most: each its oldest
 * heartbeats first, its events last. So one that sends without end takes its own room, and nobody else's.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { HostBytes, Target } from './pruning.ts';
import { waterLevel } from './shares.ts';
import type { Store } from './store.ts';

/** Rows that are deleted in one go, and pages that are given back. */
const ROWS = 500;
const PAGES = 2_000;
/** Of the size that is allowed: deleting goes on to here, so that it does not begin again at once. */
const ENOUGH = 0.95;

/** `keep` in milliseconds, `maxSize` in bytes. `stopped`: the collector ends meanwhile. */
export async function retain(
  { pruning }: Store,
  { keep, maxSize }: { keep: number; maxSize: number },
  now: number,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped() && pruning.forgetForgotten(ROWS) > 0) await turn();
  while (!stopped() && pruning.forget(now - keep, now, ROWS) > 0) await turn();
  if (!stopped() && pruning.size() > maxSize) {
    // What a host has is known but for what the database itself needs, so the aim is met in a few rounds.
    for (let gone = 1; gone > 0 && !stopped() && pruning.size() > maxSize * ENOUGH; ) {
      gone = 0;
      const share = (maxSize * ENOUGH) / pruning.size();
      const targets = surplus(pruning.hostBytes(), share);
      while (!stopped() && targets.length > 0) {
        gone += pruning.trim(targets, ROWS);
        await turn();
      }
    }
  }
  if (!stopped()) pruning.shrink(PAGES);
}

/** Hosts that have more than they may when all together are to have `share` of what they have now, and how much each may. */
function surplus(hosts: readonly HostBytes[], share: number): Target[] {
  const senders = Map.groupBy(hosts, ({ sender }) => sender);
  const sum = (all: readonly HostBytes[]) => all.reduce((total, { bytes }) => total + bytes, 0);
  const ofSender = waterLevel([...senders.values()].map(sum), share * sum(hosts));
  return [...senders.values()].flatMap((own) => {
    if (sum(own) <= ofSender) return [];
    const sizes = own.map(({ bytes }) => bytes);
    const most = waterLevel(sizes, ofSender);
    return own.filter(({ bytes }) => bytes > most).map(({ id }) => ({ id, most }));
  });
}
