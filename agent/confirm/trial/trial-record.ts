/**
 * The record of the trial that runs: a file that every user may read, so that `agent status` shows the countdown. A
 * trial begins before its first change, when this file is on the disk, and ends when the file is removed.
 */
import { createHash } from 'node:crypto';
import { errorCode, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { BOOT_MARK, STATE_FOLDER, TRIAL } from '../../host/paths.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import type { WitnessAnswer } from '../judgement.ts';

const RECORD = `${TRIAL}/record`;
/** The configuration on trial, in the form of confirmed-configuration.ts. */
export const TRIED = `${TRIAL}/configuration`;
/** The journal of everything that the trial touches. */
export const TRIAL_JOURNAL = `${TRIAL}/changes`;
/** The executable that undoes the trial: a hard link, so that an upgrade meanwhile does no harm. */
export const UNDOER = `${TRIAL}/agent`;

/** Milliseconds after the deadline in which a process that lives has decided, also if it waits for the lock. */
const DECIDED = 120_000;

/** All times are in milliseconds since the boot, also while the machine sleeps. */
export interface TrialRecord {
  /** The change id. */
  readonly id: string;
  /** The hash of the configuration on trial. */
  readonly hash: string;
  /** The resources that are changed. */
  readonly resources: readonly string[];
  /** For these three see Touches in judgement.ts. */
  readonly path: boolean;
  readonly names: boolean;
  readonly by: 'collector' | 'local';
  /** The process that tries the change, and what tells it from a later process with its number. */
  readonly pid: number;
  readonly birth: string | null;
  /** The mark of this boot (boot-mark.ts). */
  readonly boot: string;
  readonly begun: number;
  /** When all was changed; null while it is being changed. */
  readonly changed: number | null;
  /** True if a part of the change failed. Its witnesses may all answer, but no other host should follow. */
  readonly failed?: boolean;
  /** True if this heals drift from a configuration that was held already. Its end is no result of a rollout. */
  readonly heals?: boolean;
  /** When the witnesses must have answered. */
  readonly deadline: number;
  /** The answers of the witnesses before the change. */
  readonly before: readonly WitnessAnswer[];
  /** The gateways of this host before the change, as a text (put-back-memory.ts). */
  readonly gateways: string;
}

/** null if no trial runs. Throws HostError EDAMAGED for a record that cannot be read. */
export function readTrial(host: Host): TrialRecord | null {
  const text = host.readText(RECORD);
  if (text === null) return null;
  try {
    const record = JSON.parse(text) as TrialRecord;
    if (typeof record.id === 'string' && typeof record.deadline === 'number' && Array.isArray(record.before))
      return record;
  } catch {
    // reported below
  }
  throw new HostError(
    'EDAMAGED',
    `${RECORD} is damaged, so the trial of a change cannot be ended; "agent plan" shows what differs; put it right by hand, then remove ${TRIAL}`,
  );
}

/** Waits for the disk. Throws HostError. */
export function writeTrial(host: Host, record: TrialRecord): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.makeFolder(TRIAL, 0o755);
  host.replaceOwn(RECORD, `${JSON.stringify(record)}\n`, 0o644, { durable: true });
}

/** The record goes first: without it there is no trial. */
export function removeTrial(host: Host): void {
  for (const file of [RECORD, TRIAL_JOURNAL, TRIED, UNDOER]) {
    host.remove(file);
    host.removeLeftover(file);
  }
  host.removeEmptyFolder(TRIAL);
}

/**
 * Whether the machine was booted since the trial began: the kernel has forgotten what the trial changed in it. The mark
 * may be gone without a boot, because an operator emptied /run/holdfast. A process that outlives the mark shows that.
 */
export function isOfEarlierBoot(host: Host, trial: TrialRecord): boolean {
  if (host.readText(BOOT_MARK)?.trim() === trial.boot) return false;
  return sinceBoot() < trial.begun || !isUnderWay(host, trial);
}

/** Whether the process that tries the change still runs. */
export function isUnderWay(host: Host, { pid, birth }: TrialRecord): boolean {
  return birth !== null && host.birthOf(pid) === birth;
}

/** Seconds until the witnesses must have answered; 0 if that time is over. */
export function secondsLeft({ deadline }: TrialRecord, now = sinceBoot()): number {
  return Math.max(0, Math.ceil((deadline - now) / 1000));
}

/** Whether the trial still waits for its witnesses: later changes of the same configuration belong to it. */
export function isOpen(host: Host, trial: TrialRecord): boolean {
  return !isOfEarlierBoot(host, trial) && secondsLeft(trial) > 0;
}

/** Whether no process decides about the trial any more: it was left by an earlier boot, or its time is long over. */
export function isAbandoned(host: Host, trial: TrialRecord): boolean {
  if (isOpen(host, trial)) return false;
  // A daemon that goes on after an undo that was refused in part decides nothing any more.
  const isLongOver = sinceBoot() - trial.deadline > DECIDED;
  return isOfEarlierBoot(host, trial) || isLongOver || !isUnderWay(host, trial);
}

/** A sentence for an operator whose command must wait. */
export function runningSentence(trial: TrialRecord): string {
  return `a trial of change ${trial.id} is running, ${secondsLeft(trial)} s left; to end it, run: agent confirm, or agent revert --trial`;
}

/** A short name for this change: of the configuration, and of everything that it makes different. */
export function changeId(hash: string, artifacts: readonly (readonly [string, string | null])[]): string {
  return createHash('sha256')
    .update(JSON.stringify([hash, artifacts]))
    .digest('hex')
    .slice(0, 8);
}

/** The trial that runs; null if there is none, or if this user may not read its record. */
export function visibleTrial(host: Host): TrialRecord | null {
  try {
    return readTrial(host);
  } catch (error) {
    if (errorCode(error) === 'EACCES') return null;
    throw error;
  }
}
