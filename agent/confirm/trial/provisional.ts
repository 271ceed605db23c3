/**
 * The change that stays although it is not proved at every moment. Now: a witness was lost that the change cannot have
 * silenced, or none answered before. At a lease event and at a boot: none was seen yet with the witnesses answering after it.
 */
import { isBootOf } from '../../host/boot-mark.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { PROVISIONAL, PROVISIONAL_UNDO, STATE_FOLDER } from '../../host/paths.ts';
import type { Touches, WitnessAnswer } from '../judgement.ts';
import { readConfirmed } from './confirmed-configuration.ts';

/** The moments of a setting that come later. */
export type LaterMoment = 'lease' | 'boot';

export interface ProvisionalChange {
  readonly id: string;
  /** The hash of the configuration. */
  readonly hash: string;
  /** Why the change is not proved now: a sentence without its full stop. null if its witnesses proved it. */
  readonly reason: string | null;
  readonly by: Touches['by'];
  /** The answers of the witnesses before the change. */
  readonly before: readonly WitnessAnswer[];
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The mark of the boot in which the change was made (boot-mark.ts), and what tells init from the init of another boot. */
  readonly boot: string;
  readonly init: string | null;
  /** The later moments that were not seen yet. */
  readonly unseen: readonly LaterMoment[];
}

/** null if no change is provisional, or if the record is damaged. */
export function readProvisional(host: Host): ProvisionalChange | null {
  const text = nullIfRefused(() => host.readText(PROVISIONAL));
  try {
    const found = JSON.parse(text ?? 'null') as ProvisionalChange | null;
    const isWhole = typeof found?.id === 'string' && Array.isArray(found.before) && Array.isArray(found.unseen);
    return isWhole ? found : null;
  } catch {
    return null;
  }
}

/** The moments to tell of: a change whose configuration was replaced without a trial is no longer held. */
export function visibleMoments({ hash, unseen }: ProvisionalChange, held: string): readonly LaterMoment[] {
  return hash === held ? unseen : [];
}

/**
 * Whether the change is what this boot holds. A boot applies the configuration that was confirmed before, if there is
 * one, in place of a change that was never proved.
 */
export function isInForce(host: Host, { reason, boot, hash }: ProvisionalChange): boolean {
  if (reason === null || isBootOf(host, boot)) return true;
  const confirmed = readConfirmed(host);
  return confirmed === null || confirmed.hash === hash;
}

/** Whether the configuration with this hash is provisional and in force. It is then held as one that was confirmed. */
export function isHeldProvisionally(host: Host, hash: string): boolean {
  const change = readProvisional(host);
  return change?.hash === hash && isInForce(host, change);
}

/** Whether the configuration with this hash is held already, so that a change of it heals drift, and is no new change. */
export function isHeldAlready(host: Host, hash: string): boolean {
  return readConfirmed(host)?.hash === hash || isHeldProvisionally(host, hash);
}

/** Waits for the disk. A change that is proved at every moment is forgotten. Throws HostError. */
export function noteProvisional(host: Host, change: ProvisionalChange): void {
  if (change.reason === null && change.unseen.length === 0) {
    forgetProvisional(host);
    return;
  }
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(PROVISIONAL, `${JSON.stringify(change)}\n`, 0o644, { durable: true });
}

/** The record goes first: without it nothing is put back later. */
export function forgetProvisional(host: Host): void {
  host.remove(PROVISIONAL);
  host.remove(PROVISIONAL_UNDO);
}
