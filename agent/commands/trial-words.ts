/** The sentences of commands about a trial that runs, and about a change that was put back. */
import type { DesiredConfirm } from '../config/desired-confirm.ts';
import { namesAnswering } from '../confirm/judgement.ts';
import { type LaterMoment, type ProvisionalChange, visibleMoments } from '../confirm/trial/provisional.ts';
import type { PutBackChange } from '../confirm/trial/put-back-memory.ts';
import { readTrial, runningSentence, secondsLeft, type TrialRecord } from '../confirm/trial/trial-record.ts';
import { type WaveRecord, waitsInShort } from '../confirm/trial/wave-record.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/iso-time.ts';
import { paint, shown } from './output/output.ts';

export function heldMeanwhile({ body, time, until, heals = false }: PutBackChange): string {
  const at = isoTime(time);
  if (heals && until !== undefined) {
    const minutes = Math.max(1, Math.ceil((until - Date.now()) / 60_000));
    const rest = `Drift from this configuration is not healed for another ${minutes} min (until ${isoTime(until)}), or until the host has a new gateway. To heal it now, without a trial: agent apply --no-confirm`;
    return `${paint('red', shown(`${at}: ${body}.`))} ${rest}`;
  }
  const later = until === undefined ? '' : `, or until ${isoTime(until)}`;
  const meanwhile = `The configuration on disk is not tried again until it differs, or until the host has a new gateway${later}; meanwhile the one that was confirmed last is held. To make the change without a trial: agent apply --no-confirm`;
  return `${paint('red', shown(`${at}: ${body}.`))} ${meanwhile}`;
}

export function onTrial(trial: TrialRecord): string {
  const { id, resources, before } = trial;
  const asked = namesAnswering(before);
  const who = asked.length === 0 ? 'no witness answered before it' : `until it is confirmed by ${asked.join(', ')}`;
  const what = `Change ${id} (${resources.join(', ')}) is on trial, ${secondsLeft(trial)} s left: ${who}.`;
  return `${paint('yellow', shown(what))} To keep it: agent confirm. To put it back: agent revert --trial`;
}

const NOT_YET: Readonly<Record<LaterMoment, string>> = {
  lease: 'not yet seen at a lease event',
  boot: 'not yet booted with',
};

/** `held`: the hash of the configuration. null if there is nothing to tell. */
export function staysForNow(change: ProvisionalChange, held: string): string | null {
  const { id, reason } = change;
  const unseen = visibleMoments(change, held).map((moment) => `; ${NOT_YET[moment]}`);
  if (reason !== null) {
    const what = `Change ${id} is provisional: ${reason}${unseen.join('')}.`;
    return `${paint('yellow', shown(what))} The daemon asks its witnesses again until they answer. To confirm it by hand: agent confirm`;
  }
  return unseen.length === 0 ? null : shown(`Change ${id} holds now${unseen.join('')}.`);
}

export function waitsForWave(wave: WaveRecord): string {
  const what = `Nothing is changed yet: this host ${waitsInShort(wave)}: ${wave.why}.`;
  return `${paint('yellow', shown(what))} To make the change without waiting: agent apply --no-confirm`;
}

export function nobodyAsksAgain(): string {
  return 'No daemon runs here, so nobody asks again: start it (agent run), or run agent apply later.';
}

export function willAskFirst({ waves }: DesiredConfirm): string {
  const name = waves?.rollout == null ? '' : ` (rollout ${waves.rollout})`;
  return `apply asks the collector first, and waits for its wave${name}.`;
}

export function willBeTried({ by, within }: DesiredConfirm): string {
  const who = by === 'collector' ? 'the collector and the witnesses on the way to it' : 'the witnesses';
  return `apply tries this change: it is put back unless ${who} are still reached within ${within / 1000} s.`;
}

/** Why a command must wait for the trial that runs; null if none runs. */
export function barredByTrial(host: Host): string | null {
  const trial = readTrial(host);
  return trial === null ? null : runningSentence(trial);
}
