/**
 * Keeps the store within its age and size, a little at a time, so that heartbeats need not wait.
 *
 * The age limit is the same for all. For the size limit, rows are deleted from the sender with the most, and from that
 * sender's largest host: oldest heartbeats first, events last. A sender that sends without end therefore uses up only
 * its own room.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { waterLevel } from '../admission/shares.ts';
import type { HostBytes, PruningTarget } from './pruning.ts';
import type { Store } from './store.ts';

/** The number of rows deleted at a time, and of pages returned. */
const ROWS = 500;
const PAGES = 2_000;
/** Deleting goes on down to this part of the allowed size, so that it does not begin again at once. */
const ENOUGH = 0.95;

/** `keep` is in milliseconds, `maxSize` in bytes. `stopped` says that the collector is ending. */
export async function retain(
  { pruning }: Store,
  { keep, maxSize }: { keep: number; maxSize: number },
  now: number,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped() && pruning.forgetForgotten(ROWS) > 0) await turn();
  while (!stopped() && pruning.forget(now - keep, now, ROWS) > 0) await turn();
  if (!stopped() && pruning.size() > maxSize) {
    // The database's own overhead is not in the hosts' sizes, so a few rounds are needed.
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

/** The hosts that must shrink so that all together have `share` of their present size, each with its limit. */
function surplus(hosts: readonly HostBytes[], share: number): PruningTarget[] {
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
