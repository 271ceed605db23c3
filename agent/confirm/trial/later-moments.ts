/** Whether a lease event or a boot came since a change was made. */
import { knownLeases, leaseHolders } from '../../clients/holders.ts';
import { isBootOf } from '../../host/boot-mark.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import type { LaterMoment, ProvisionalChange } from './provisional.ts';

/** Milliseconds by which the clock may have been set since. */
const CLOCK = 5_000;

/** The moments that come later on this host. Without a DHCP client no lease event does. */
export function laterMoments(host: Host): LaterMoment[] {
  return leaseHolders(host).length === 0 ? ['boot'] : ['lease', 'boot'];
}

/** The moment that came since and was not seen yet; null if there is none. */
export async function dueMoment(host: Host, change: ProvisionalChange): Promise<LaterMoment | null> {
  if (change.unseen.includes('boot') && isOtherBoot(host, change)) return 'boot';
  return change.unseen.includes('lease') && (await hadLeaseEvents(host, change.time)) ? 'lease' : null;
}

/**
 * Whether the machine was booted since. A folder /run/holdfast that was emptied is no boot. In a container the boot
 * clock is the machine's, but init is another one.
 */
function isOtherBoot(host: Host, { boot, init, time }: ProvisionalChange): boolean {
  if (isBootOf(host, boot)) return false;
  // A sandbox may hide init.
  const now = host.birthOf(1);
  return (now !== null && init !== null && now !== init) || Date.now() - sinceBoot() > time + CLOCK;
}

/** Whether each running client has written each of its leases since. A lease that is not known had no event. */
async function hadLeaseEvents(host: Host, since: number): Promise<boolean> {
  try {
    const { leases, unknown } = await knownLeases(host);
    const last = new Map<string, number>();
    for (const { who, where } of leases) {
      // A lease that is in no file shows no event.
      if (!where.startsWith('/')) continue;
      const written = host.stat(where)?.mtimeMs ?? 0;
      last.set(who, Math.max(last.get(who) ?? 0, written));
    }
    return unknown.length === 0 && last.size > 0 && [...last.values()].every((time) => time > since);
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}
