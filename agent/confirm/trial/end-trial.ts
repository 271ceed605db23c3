/** The two ends of a trial: the change is kept, or put back. Both need the lock of apply. */
import { ChangeJournal, type LeftOver, type WayBack } from '../../hold/journal/change-journal.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { HANDED_OVER, IN_FORCE, TRIAL } from '../../host/paths.ts';
import { disarm } from './arm.ts';
import { confirmTried, readConfirmed } from './confirmed-configuration.ts';
import { forgetProvisional, type LaterMoment, noteProvisional, readProvisional } from './provisional.ts';
import { isUndoOf, readUndo, unconfirm, writeUndo } from './provisional-undo.ts';
import {
  afterRest,
  forgetPutBack,
  gatewaysText,
  isPutBackLately,
  joinGateways,
  type PutBackChange,
  readPutBack,
  writePutBack,
} from './put-back-memory.ts';
import { isOfEarlierBoot, removeTrial, TRIAL_JOURNAL, type TrialRecord } from './trial-record.ts';
import { endWave } from './wave-record.ts';

/** A part that cannot be put back at once may be refused for a moment only. */
const TRIES = 3;

export function trialJournal(host: Host, wayBack: () => Promise<WayBack>): ChangeJournal {
  const damaged = `the change on trial cannot be put back; "agent plan" shows what differs; put it right by hand, then remove ${TRIAL}`;
  return new ChangeJournal(host, { path: TRIAL_JOURNAL, memory: false, damaged }, wayBack);
}

/** How far a change is proved that is kept. */
export interface KeptStanding {
  /** Why it is not proved now; null if it is. */
  readonly reason: string | null;
  /** The later moments at which it is not proved; empty if an operator confirmed it. */
  readonly unseen: readonly LaterMoment[];
}

/**
 * Keeps the change. If it is proved now, its configuration is the one to hold at the next boot, and if a later change is
 * put back. Throws HostError.
 */
export function keepChange(host: Host, trial: TrialRecord, standing: KeptStanding): void {
  // A full disk must not undo a good change. The next apply keeps the configuration then.
  nullIfRefused(() => noteStanding(host, trial, standing));
  if (standing.reason === null) nullIfRefused(() => confirmTried(host));
  // After an undo the earlier configuration is held, and healed. The change that was put back is barred on.
  if (trial.heals !== true || readPutBack(host)?.hash === trial.hash) forgetPutBack(host);
  endWave(host, trial, trial.failed === true ? 'put-back' : 'kept');
  removeTrial(host);
  disarm(host, trial.id);
}

/** The record of a change with the same configuration goes on: its journal has the older state. */
function noteStanding(host: Host, trial: TrialRecord, { reason, unseen }: KeptStanding): void {
  const { id, hash, by, before, boot } = trial;
  const former = readProvisional(host);
  // After a boot the configuration that was confirmed before was applied in place of one that was never proved.
  if (former?.hash === hash && (former.reason === null || former.boot === boot)) {
    noteProvisional(host, { ...former, reason, unseen: former.unseen.filter((moment) => unseen.includes(moment)) });
    return;
  }
  forgetProvisional(host);
  // A configuration that was confirmed before, and whose drift is healed, was seen at its moments.
  const later = readConfirmed(host)?.hash === hash ? [] : unseen;
  if (reason === null && later.length === 0) return;
  nullIfRefused(() => writeUndo(host, trial));
  const now = { time: Date.now(), boot, init: host.birthOf(1) };
  noteProvisional(host, { ...{ id, hash, reason, by, before, unseen: later }, ...now });
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
  /** True if the agent or the machine ended in the middle. That says little about a heal, and healing must go on. */
  readonly interrupted?: boolean;
}

/**
 * Puts everything back that the trial touched, and remembers the change. If a part is still refused, the trial stays on
 * the disk, so that the next try goes on. Throws HostError if the journal is damaged.
 */
export async function putBackChange(
  host: Host,
  trial: TrialRecord,
  reason: PutBackReason,
  wayBack: () => Promise<WayBack>,
): Promise<PutBackResult> {
  const journal = trialJournal(host, wayBack);
  const kernel = !isOfEarlierBoot(host, trial);
  unconfirm(host, trial);
  let left: LeftOver[] = [];
  for (let tries = 1; tries <= TRIES && journal.pending(); tries += 1) left = await journal.putBack({ kernel });
  const { id, hash, heals = false } = trial;
  // After a boot the kernel still has the routes of the change, whose gateways make no other network.
  const gateways = kernel ? trial.gateways : joinGateways(trial.gateways, await gatewaysText());
  const rest = left.map(({ path, problem }) => `; not put back: ${path}: ${problem}`).join('');
  const body = `change ${id} put back: ${reason.why}${rest}`;
  const kind = { ...(heals ? { heals } : {}), ...triedAgain(host, trial, reason) };
  const remember = () => writePutBack(host, { id, hash, body, time: Date.now(), gateways, ...kind, told: false });
  const isRemembered = nullIfRefused(remember) !== null;
  endWave(host, trial, 'put-back');
  // A daemon that holds the change must not make it again before it has read the configuration anew.
  if (host.lstat(IN_FORCE) !== null) host.replaceOwn(HANDED_OVER, `${readConfirmed(host)?.hash ?? 'none'}\n`, 0o600);
  const whole = !journal.pending();
  if (whole) {
    const undo = readUndo(host);
    if (readProvisional(host)?.id === id && (undo === null || isUndoOf(undo, trial))) forgetProvisional(host);
    removeTrial(host);
    disarm(host, id);
  }
  // A full disk has room again without the trial.
  if (!isRemembered) remember();
  return { body, whole: whole && left.length === 0 };
}

/** When the change may be tried again; empty if its configuration must differ first. */
function triedAgain(
  host: Host,
  { hash, heals = false }: TrialRecord,
  { blames, interrupted = false }: PutBackReason,
): Pick<PutBackChange, 'until'> {
  // An agent that ends in every heal would otherwise change the host again and again.
  if (heals && interrupted) return { until: isPutBackLately(host, hash) ? afterRest() : Date.now() };
  // The network may just have failed during a heal of a configuration that was confirmed, and that must go on.
  return blames && readConfirmed(host)?.hash !== hash ? {} : { until: afterRest() };
}
