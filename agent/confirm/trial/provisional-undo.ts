/** Everything by which a change that is kept is put back later, or confirmed later. One file, for root only. */
import { asciiJson } from '../../config/ascii.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { CONFIRMED, PROVISIONAL_UNDO, STATE_FOLDER, TRIAL } from '../../host/paths.ts';
import { writeConfirmed } from './confirmed-configuration.ts';
import { noteProvisional, type ProvisionalChange } from './provisional.ts';
import { TRIAL_JOURNAL, TRIED, type TrialRecord, writeTrial } from './trial-record.ts';

export interface ProvisionalUndo {
  readonly trial: TrialRecord;
  /** The journal of the trial. */
  readonly changes: string;
  /** The configuration on trial (confirmed-configuration.ts); null if only a part of it was applied. */
  readonly configuration: string | null;
  /** The configuration that was confirmed before, in the same form; null if none was. */
  readonly earlier: string | null;
}

/** null if there is none, or if it is damaged. */
export function readUndo(host: Host): ProvisionalUndo | null {
  const text = nullIfRefused(() => host.readText(PROVISIONAL_UNDO));
  try {
    const found = JSON.parse(text ?? 'null') as ProvisionalUndo | null;
    return typeof found?.trial?.id === 'string' && typeof found.changes === 'string' ? found : null;
  } catch {
    return null;
  }
}

/** Keeps the trial's own files beyond its end. Waits for the disk. Throws HostError. */
export function writeUndo(host: Host, trial: TrialRecord): void {
  const undo: ProvisionalUndo = {
    trial,
    changes: host.readText(TRIAL_JOURNAL) ?? '[]',
    configuration: host.readText(TRIED),
    earlier: host.readText(CONFIRMED),
  };
  saveUndo(host, undo);
}

function saveUndo(host: Host, undo: ProvisionalUndo): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(PROVISIONAL_UNDO, `${asciiJson(undo)}\n`, 0o600, { durable: true });
}

/** Another configuration with this hash and text wants the same state of the host. Throws HostError. */
export function adoptProvisional(
  host: Host,
  change: ProvisionalChange,
  { hash, text }: { readonly hash: string; readonly text: string },
): void {
  const undo = readUndo(host);
  if (undo !== null) saveUndo(host, { ...undo, trial: { ...undo.trial, hash }, configuration: text });
  noteProvisional(host, { ...change, hash });
}

/** Makes the kept change a trial again whose time is over. If the undo is ended, the next undo goes on. */
export function beginUndo(host: Host, { trial, changes }: ProvisionalUndo): void {
  host.makeFolder(TRIAL, 0o755);
  host.replaceOwn(TRIAL_JOURNAL, changes, 0o600, { durable: true });
  writeTrial(host, trial);
}

/** Whether the undo is of this trial. A heal of the same drift is another trial, and has the same id. */
export function isUndoOf({ trial }: ProvisionalUndo, { id, begun, boot }: TrialRecord): boolean {
  return trial.id === id && trial.begun === begun && trial.boot === boot;
}

/** This change is put back, so its configuration is no longer the confirmed one. Throws HostError. */
export function unconfirm(host: Host, trial: TrialRecord): void {
  const undo = readUndo(host);
  if (undo === null || !isUndoOf(undo, trial)) return;
  if (undo.earlier === null) host.remove(CONFIRMED);
  else writeConfirmed(host, undo.earlier);
}
