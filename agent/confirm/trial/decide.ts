/** Watches a change that was made: asks the witnesses until they confirm it, its time is over, or an operator decides. */
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import { monotonicNow } from '../../host/steady-clock.ts';
import { type Judgement, judge, laterLoss, namesAnswering, type WitnessAnswer } from '../judgement.ts';
import type { ConfirmWitness } from '../witnesses/confirm-witness.ts';
import { askAgainAndAgain } from './ask-witnesses.ts';
import { readConfirmed } from './confirmed-configuration.ts';
import { addressesWithCarrier } from './prove-later.ts';
import { mayMoveWays } from './touches-path.ts';
import { readTrial, type TrialRecord } from './trial-record.ts';

/** Milliseconds between looks whether an operator or the timer has ended the trial. */
const LOOK_EVERY = 500;
/** Milliseconds between two looks, after which an answer may still wait that this process had no time to read. */
const LATE_LOOK = 2 * LOOK_EVERY;
/** Milliseconds after the deadline for a process that had no time to listen. The undo outside comes later (LATER in arm.ts). */
const RESERVE = 3_000;
const NO_TIME = 'this host had no processor time to hear it';
/** Milliseconds that the witnesses have to answer again after the change was put back. */
const BACK_WITHIN = 30_000;

export type FinalJudgement = Judgement & {
  readonly kind: 'confirmed' | 'provisional' | 'put-back';
  /** Whether this host had no processor time to hear its witnesses, so that the change may be good. */
  readonly starved: boolean;
};

/** null if another process ended the trial. */
export async function decide(
  host: Host,
  trial: TrialRecord,
  witnesses: readonly ConfirmWitness[],
): Promise<FinalJudgement | null> {
  const { id, before, path, names, by, deadline } = trial;
  const latest = new Map<string, WitnessAnswer>();
  const end = new AbortController();
  const now = (): Judgement => judge(before, [...latest.values()], { path, names, by });
  let final: FinalJudgement | null = null;
  const told = (answer: WitnessAnswer) => {
    latest.set(answer.witness, end.signal.aborted && isStarved() ? { ...answer, why: NO_TIME } : answer);
    const judgement = now();
    if (judgement.kind !== 'confirmed' || end.signal.aborted) return;
    final = { ...judgement, kind: judgement.kind, starved: false };
    end.abort();
  };
  const isOver = () => readTrial(host)?.id !== id;
  const former = new Set(namesAnswering(before));
  const asked = witnesses.filter(({ name }) => former.has(name));
  const wereUp = addressesWithCarrier();
  const begun = sinceBoot();
  let listened = 0;
  let lastLook = begun;
  const isStarved = () => listened < (lastLook - begun) / 2;
  const look = setInterval(() => {
    const gap = sinceBoot() - lastLook;
    lastLook += gap;
    listened += Math.min(gap, LOOK_EVERY);
    const isUnheard = isStarved() && asked.some(({ name }) => !latest.has(name));
    const hasReserve = (gap > LATE_LOOK || isUnheard) && lastLook < deadline + RESERVE;
    if (isOver() || (lastLook >= deadline && !hasReserve)) end.abort();
  }, LOOK_EVERY);
  try {
    if (asked.length === 0) return { ...now(), kind: 'provisional', starved: false };
    const since = monotonicNow() - Math.max(0, sinceBoot() - (trial.changed ?? trial.begun));
    await askAgainAndAgain(asked, { change: id, since }, told, end.signal);
  } finally {
    clearInterval(look);
  }
  if (isOver()) return null;
  if (final !== null) return final;
  // A host that may be cut off is put back, because its operator could not reach it.
  const why = isStarved() ? NO_TIME : 'no answer in time';
  for (const one of before.filter(({ answered, witness }) => answered && !latest.has(witness))) {
    latest.set(one.witness, { ...one, answered: false, reached: false, why });
  }
  const judgement = now();
  const answers = [...latest.values()];
  const own = addressesWithCarrier().intersection(wereUp);
  if (readConfirmed(host)?.hash === trial.hash && isOutage(trial, answers, own)) {
    const reason = `${judgement.reason}, but this heals a configuration that was confirmed, and the network may be down`;
    return { kind: 'provisional', reason, starved: false };
  }
  // Every former witness has an answer now.
  return { ...judgement, kind: judgement.kind === 'undecided' ? 'put-back' : judgement.kind, starved: isStarved() };
}

/** Whether all witnesses are gone, and the change does not explain it. `own`: see laterLoss. */
function isOutage(trial: TrialRecord, answers: readonly WitnessAnswer[], own: ReadonlySet<string>): boolean {
  if (answers.some(({ answered, reached }) => answered || reached)) return false;
  return !mayMoveWays(trial) || laterLoss(trial.before, answers, own) === null;
}

/**
 * After the change was put back: how long the host was cut off, or who still does not answer. A host behind this one is
 * heard only with its next heartbeat, so its time is told apart.
 */
export async function cutOffFor(trial: TrialRecord, witnesses: readonly ConfirmWitness[]): Promise<string> {
  const { id, before, changed, begun } = trial;
  const missing = new Set(namesAnswering(before));
  if (missing.size === 0) return '';
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), BACK_WITHIN);
  const start = changed ?? begun;
  let reachedAt = sinceBoot();
  const heard = new Map<string, number>();
  const told = ({ witness, kind, reached }: WitnessAnswer) => {
    if (reached && missing.delete(witness)) {
      if (kind !== 'host') reachedAt = sinceBoot();
      else heard.set(witness, sinceBoot());
    }
    if (missing.size === 0) end.abort();
  };
  const asked = witnesses.filter(({ name }) => missing.has(name));
  await askAgainAndAgain(asked, { change: id, since: null }, told, end.signal);
  clearTimeout(timer);
  if (missing.size > 0) return `; after it these do not answer either: ${[...missing].join(', ')}`;
  const seconds = (time: number) => Math.round((time - start) / 1000);
  const late = [...heard].filter(([, time]) => seconds(time) > seconds(reachedAt));
  const hosts = late.map(([witness, time]) => `; ${witness} was heard again ${seconds(time)} s after the change`);
  return `; cut off for ${seconds(reachedAt)} s${hosts.join('')}`;
}
