/** Proves a kept change again: now, if it was not proved yet, and after the first lease event and the first boot with it. */
import type { Host } from '../../host/host.ts';
import { networkInterfaces } from '../../host/looks.ts';
import { TRIAL } from '../../host/paths.ts';
import { type Judgement, judge, laterLoss, namesAnswering, type WitnessAnswer } from '../judgement.ts';
import type { ConfirmWitness } from '../witnesses/confirm-witness.ts';
import { askAgainAndAgain, askBefore } from './ask-witnesses.ts';
import { dueMoment } from './later-moments.ts';
import {
  isInForce,
  type LaterMoment,
  noteProvisional,
  type ProvisionalChange,
  readProvisional,
} from './provisional.ts';
import { type ProvisionalUndo, readUndo } from './provisional-undo.ts';
import { mayMoveWays } from './touches-path.ts';

/** Milliseconds for which a change can be put back at a later moment: other programs go on changing the host. */
const LONGEST = 30 * 86_400_000;

/** In the words of an event. */
const AFTER: Readonly<Record<LaterMoment, string>> = { lease: 'after a lease event', boot: 'after a boot' };

export interface LaterProof {
  readonly change: ProvisionalChange;
  /** null: now. */
  readonly moment: LaterMoment | null;
  readonly kind: 'confirmed' | 'provisional' | 'put-back';
  /** A sentence without its full stop, and without the name of the change. */
  readonly reason: string;
}

export interface ProveLaterOptions {
  readonly host: Host;
  /** The hash of the configuration that is held. */
  readonly hash: string;
  /** Milliseconds for the witnesses after a lease event or a boot. */
  readonly within: number;
  readonly witnesses: () => Promise<readonly ConfirmWitness[]>;
  readonly signal: AbortSignal;
}

/** Changes nothing. null if nothing is due, or if nothing is proved yet. */
export async function proveLater(options: ProveLaterOptions): Promise<LaterProof | null> {
  const { host, hash } = options;
  const change = readProvisional(host);
  if (change === null || host.lstat(TRIAL) !== null) return null;
  if (!isInForce(host, change)) return null;
  const proof = change.reason === null ? null : await proveNow(options, change);
  if (proof !== null) return proof;
  const moment = change.hash === hash ? await dueMoment(host, change) : null;
  return moment === null ? null : proveMoment(options, change, moment);
}

async function proveNow({ witnesses }: ProveLaterOptions, change: ProvisionalChange): Promise<LaterProof | null> {
  const { id, by } = change;
  const now = await askBefore(await witnesses(), id);
  const answering = new Set(namesAnswering(now));
  // A witness that comes back after the change proves as much as one that answered before.
  const before = change.before.map(
    (one) => now.find(({ witness }) => answering.has(witness) && witness === one.witness) ?? one,
  );
  const { kind, reason } = judge(before, now, { path: false, names: false, by });
  return kind === 'confirmed' ? { change: { ...change, before }, moment: null, kind, reason } : null;
}

/**
 * Asks until all former witnesses answer, or `within` is over. A change that is not proved now is only put back here: one
 * witness that is reached ends the look at it, so that a collector that is gone for days costs a question at each look.
 */
async function proveMoment(
  { host, within, witnesses, signal }: ProveLaterOptions,
  change: ProvisionalChange,
  moment: LaterMoment,
): Promise<LaterProof | null> {
  const { id, by, before } = change;
  const former = new Set(namesAnswering(before));
  const asked = (await witnesses()).filter(({ name }) => former.has(name));
  const latest = new Map<string, WitnessAnswer>();
  const end = new AbortController();
  const judged = (): Judgement => judge(before, [...latest.values()], { path: false, names: false, by });
  const wereUp = addressesWithCarrier();
  let proof: string | null = null;
  const isProved = change.reason === null;
  const told = (answer: WitnessAnswer) => {
    latest.set(answer.witness, answer);
    if (!isProved && answer.reached) end.abort();
    const { kind, reason } = judged();
    if (kind !== 'confirmed') return;
    proof = reason;
    end.abort();
  };
  const timer = setTimeout(() => end.abort(), within);
  const stopped = AbortSignal.any([signal, end.signal]);
  if (asked.length > 0) await askAgainAndAgain(asked, { change: id, since: null }, told, stopped);
  clearTimeout(timer);
  if (signal.aborted) return null;
  if (!isProved && (proof !== null || [...latest.values()].some(({ reached }) => reached))) return null;
  if (proof !== null) return { change, moment, kind: 'confirmed', reason: `${AFTER[moment]}: ${proof}` };
  // A witness without any answer is taken as it was before, which explains nothing.
  for (const one of before.filter(({ answered, witness }) => answered && !latest.has(witness)))
    latest.set(one.witness, { ...one, answered: false, reached: false, why: 'no answer in time' });
  const own = addressesWithCarrier().intersection(wereUp);
  const undo = readUndo(host);
  const mayExplain = undo === null || mayMoveWays(undo.trial);
  const loss = mayExplain ? laterLoss(before, [...latest.values()], own) : null;
  if (loss !== null && undo?.trial.id === id && mayBePutBack(undo, change, moment))
    return { change, moment, kind: 'put-back', reason: `${AFTER[moment]} ${loss}` };
  if (!isProved) return null;
  const lost = [...latest.values()].filter(({ answered }) => !answered);
  const silent = lost.map(({ witness, why }) => `${witness} is lost (${why})`).join('; ');
  const stays = loss === null ? 'nothing that was changed explains it' : 'the state before it is no longer kept';
  return { change, moment, kind: 'provisional', reason: `${AFTER[moment]} ${silent}; ${stays}` };
}

/** At a boot the kernel's part can only be put right by another configuration. */
function mayBePutBack({ earlier }: ProvisionalUndo, { time }: ProvisionalChange, moment: LaterMoment): boolean {
  const age = Date.now() - time;
  return age >= 0 && age < LONGEST && (moment === 'lease' || earlier !== null);
}

/** The addresses of this host on links that are up and have a carrier. */
export function addressesWithCarrier(): Set<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []));
}

/** A rehearsal of the next lease event was clean with this configuration. Call this under the lock of apply. Throws HostError. */
export function noteRehearsed(host: Host, hash: string): void {
  const change = readProvisional(host);
  if (change?.hash !== hash) return;
  noteProvisional(host, { ...change, unseen: change.unseen.filter((moment) => moment !== 'lease') });
}
