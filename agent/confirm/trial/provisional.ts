/**
 * The change that stays although it is not proved: a witness was lost that the change cannot have silenced, or none
 * answered before. It is provisional until its witnesses answer, a later change is confirmed, or an operator confirms it.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { PROVISIONAL, STATE_FOLDER } from '../../host/paths.ts';
import type { Touches, WitnessAnswer } from '../judgement.ts';

export interface ProvisionalChange {
  readonly id: string;
  /** Why it is not proved: a sentence without its full stop. */
  readonly reason: string;
  readonly by: Touches['by'];
  /** The answers of the witnesses before the change. */
  readonly before: readonly WitnessAnswer[];
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** null if no change is provisional, or if the record is damaged. */
export function readProvisional(host: Host): ProvisionalChange | null {
  const text = nullIfRefused(() => host.readText(PROVISIONAL));
  try {
    const found = JSON.parse(text ?? 'null') as ProvisionalChange | null;
    return typeof found?.id === 'string' && Array.isArray(found.before) ? found : null;
  } catch {
    return null;
  }
}

/** Waits for the disk. Throws HostError. */
export function noteProvisional(host: Host, change: ProvisionalChange): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(PROVISIONAL, `${JSON.stringify(change)}\n`, 0o644, { durable: true });
}

export function forgetProvisional(host: Host): void {
  host.remove(PROVISIONAL);
}
