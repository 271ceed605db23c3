/** The two ends of a trial: the change is kept, or put back. Both need the lock of apply. */
import { ChangeJournal, type LeftOver, type WayBack } from '../../hold/journal/change-journal.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { HANDED_OVER, IN_FORCE, TRIAL } from '../../host/paths.ts';
import { disarm } from './arm.ts';
import { confirmTried, readConfirmed } from './confirmed-configuration.ts';
import { forgetProvisional } from './provisional.ts';
import { afterRest, forgetPutBack, writePutBack } from './put-back-memory.ts';
import { isOfEarlierBoot, removeTrial, TRIAL_JOURNAL, type TrialRecord } from './trial-record.ts';

/** A part that cannot be put back at once may be refused for a moment only. */
const TRIES = 3;

export function trialJournal(host: Host, wayBack: () => Promise<WayBack>): ChangeJournal {
  const damaged = `the change on trial cannot be put back; "agent plan" shows what differs; put it right by hand, then remove ${TRIAL}`;
  return new ChangeJournal(host, { path: TRIAL_JOURNAL, memory: false, damaged }, wayBack);
}

/** Keeps the change. `confirmed`: its configuration is the one to hold if a later change is put back. Throws HostError. */
export function keepChange(host: Host, { id }: TrialRecord, { confirmed }: { confirmed: boolean }): void {
  // A full disk must not undo a good change. The next apply keeps the configuration then.
  if (confirmed) nullIfRefused(() => confirmTried(host));
  forgetPutBack(host);
  forgetProvisional(host);
  removeTrial(host);
  disarm(host, id);
}

/** Nothing was changed, so there is nothing to prove. */
export function dropTrial(host: Host, id: string): void {
  removeTrial(host);
  disarm(host, id);
}

/** A change that was put back, as a sentence without its full stop, and whether all is as before. */
export interface PutBackResult {
  readonly body: string;
  readonly whole: boolean;
}

export interface PutBackReason {
  /** A sentence without its full stop. */
  readonly why: string;
  /** Whether the change may be at fault. Otherwise it is tried again later. */
  readonly blames: boolean;
}

/**
 * Puts everything back that the trial touched, and remembers the change. If a part is still refused, the trial stays on
 * the disk, so that the next try goes on. Throws HostError if the journal is damaged.
 */
export async function putBackChange(
  host: Host,
  trial: TrialRecord,
  { why, blames }: PutBackReason,
  wayBack: () => Promise<WayBack>,
): Promise<PutBackResult> {
  const journal = trialJournal(host, wayBack);
  const kernel = !isOfEarlierBoot(host, trial);
  let left: LeftOver[] = [];
  for (let tries = 1; tries <= TRIES && journal.pending(); tries += 1) left = await journal.putBack({ kernel });
  const { id, hash, gateways } = trial;
  const rest = left.map(({ path, problem }) => `; not put back: ${path}: ${problem}`).join('');
  const body = `change ${id} put back: ${why}${rest}`;
  const until = blames ? {} : { until: afterRest() };
  const remember = () => writePutBack(host, { id, hash, body, time: Date.now(), gateways, ...until, told: false });
  const isRemembered = nullIfRefused(remember) !== null;
  // A daemon that holds the change must not make it again before it has read the configuration anew.
  if (host.lstat(IN_FORCE) !== null) host.replaceOwn(HANDED_OVER, `${readConfirmed(host)?.hash ?? 'none'}\n`, 0o600);
  const whole = !journal.pending();
  if (whole) {
    removeTrial(host);
    disarm(host, id);
  }
  // A full disk has room again without the trial.
  if (!isRemembered) remember();
  return { body, whole: whole && left.length === 0 };
}
