/** Carries out the result of a later proof: notes it, or puts the change back. */
import type { WayBack } from '../../hold/journal/change-journal.ts';
import type { Host } from '../../host/host.ts';
import { writeConfirmed } from './confirmed-configuration.ts';
import { putBackChange } from './end-trial.ts';
import type { LaterProof } from './prove-later.ts';
import { noteProvisional, readProvisional } from './provisional.ts';
import { beginUndo, readUndo } from './provisional-undo.ts';
import { readTrial } from './trial-record.ts';
import { keptVerdict, type TrialVerdict } from './trial-verdict.ts';

/**
 * Call this under the lock of apply. null if a trial that has begun since, or an operator, has replaced the change. Throws
 * HostError.
 */
export async function endProof(
  host: Host,
  proof: LaterProof,
  wayBack: () => Promise<WayBack>,
): Promise<TrialVerdict | null> {
  const { kind, reason, change } = proof;
  const { id } = change;
  if (readTrial(host) !== null || readProvisional(host)?.id !== id) return null;
  const undo = kind === 'put-back' ? readUndo(host) : null;
  if (undo === null) {
    noteProof(host, proof);
    return keptVerdict(id, kind, reason);
  }
  beginUndo(host, undo);
  const { body } = await putBackChange(host, undo.trial, { why: reason, blames: true }, wayBack);
  return { id, kind, body };
}

/** Notes a proof that puts nothing back. Throws HostError. */
function noteProof(host: Host, { change, moment, kind, reason }: LaterProof): void {
  if (kind === 'provisional') {
    noteProvisional(host, { ...change, reason });
    return;
  }
  const configuration = moment === null ? (readUndo(host)?.configuration ?? null) : null;
  if (configuration !== null) writeConfirmed(host, configuration);
  noteProvisional(host, { ...change, reason: null, unseen: change.unseen.filter((one) => one !== moment) });
}
