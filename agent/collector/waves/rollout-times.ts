/** How long a rollout waits for results, for questions and for its next admission. `now`: milliseconds since the epoch. */
import type { Member, Rollout } from './rollout.ts';

/** Milliseconds beyond `within` until an admitted host must have told its result. A power cut and a boot fit in. */
const RESULT = 300_000;
/** Milliseconds without a heartbeat after which a host with a provisional change is lost. */
const QUIET = 600_000;
/**
 * Milliseconds without an admission after which a rollout begins anew, and is dropped if nobody is in it. Results that
 * come later neither stop it nor bar others.
 */
const OVER = 604_800_000;
/** Milliseconds without a question after which a host no longer waits. It may have got the change in another way. */
const WAITS = 3_600_000;
/** Milliseconds that an admitted host stays in its rollout: nobody may make the disk busy by many ids. */
const STAY = 5_000;

/** When an admitted host without a result is lost. `beaten`: see RolloutsOptions. `listens`: since when the collector listens. */
export function deadlineOf({ standing, since, within }: Member, beaten: number, listens: number): number {
  if (standing === 'provisional') return Math.max(beaten, listens) + QUIET;
  return Math.max(since, listens) + within + RESULT;
}

/** Whether a host with a provisional change, whose last heartbeat came at `beaten`, is lost. */
export function isQuiet(beaten: number, now: number): boolean {
  return now - beaten > QUIET;
}

/** Whether the host was admitted so lately that it stays in its rollout. */
export function isJustAdmitted({ since }: Member, now: number): boolean {
  return now - since < STAY;
}

/** Whether the last admission was so long ago that the rollout begins anew. */
export function isOld({ admittedAt }: Rollout, now: number): boolean {
  return now - admittedAt > OVER;
}

/** Whether nobody is in the rollout, and nothing of it changed for long. */
export function isDeserted({ members, touched }: Rollout, now: number): boolean {
  return members.size === 0 && now - touched > OVER;
}

/** Whether the host no longer waits. */
export function isTired({ standing, since }: Member, now: number): boolean {
  return standing === 'waiting' && now - since > WAITS;
}
