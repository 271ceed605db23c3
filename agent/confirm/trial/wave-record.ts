/** The last change about which this host asked its collector, and what became of it. Every user may read it. */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { IN_FORCE, STATE_FOLDER, WAVE } from '../../host/paths.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import type { WaveReply } from '../waves/ask-wave.ts';
import type { WaveStanding } from '../wire/wave-talk.ts';
import { readConfirmed } from './confirmed-configuration.ts';
import { confirmedHash } from './confirmed-hash.ts';
import { isHeldProvisionally, readProvisional } from './provisional.ts';
import { readPutBack } from './put-back-memory.ts';
import { readTrial } from './trial-record.ts';

export interface WaveRecord extends Omit<WaveReply, 'go' | 'again'> {
  /** The change id. */
  readonly change: string;
  /** The hash of the configuration. */
  readonly hash: string;
  /**
   * `kept`: confirmed, or provisional if provisional.ts has this change. `put-back`: also a change of which only a part was
   * made.
   */
  readonly standing: 'waiting' | 'admitted' | 'kept' | 'put-back';
  /** When the collector is to be asked again, in milliseconds since the boot. */
  readonly next: number;
  /** The hash of the configuration that the daemon held before; null if it had taken none since the boot. */
  readonly held: string | null;
}

/** null if this host never asked, or if the record is damaged. */
export function readWave(host: Host): WaveRecord | null {
  const text = nullIfRefused(() => host.readText(WAVE));
  try {
    const found = JSON.parse(text ?? 'null') as WaveRecord | null;
    return typeof found?.hash === 'string' && typeof found.change === 'string' ? found : null;
  } catch {
    return null;
  }
}

/** The record if the configuration with this hash waits for its wave; null otherwise. */
export function waitingWave(host: Host, hash: string): WaveRecord | null {
  const record = readWave(host);
  if (record?.standing !== 'waiting' || record.hash !== hash) return null;
  // A user who may not read the confirmed configuration is told by the record alone.
  return confirmedHash(host) === hash ? null : record;
}

/**
 * The record if the confirmed configuration is to be held meanwhile: the one with this hash waits for its wave, or was
 * admitted and is not on trial yet. null if the host held another configuration than the confirmed one, as where trials were
 * configured only now: to hold the confirmed one would be a change outside of a wave.
 */
export function waveBesideConfirmed(host: Host, hash: string): WaveRecord | null {
  const record = readWave(host);
  if (record?.hash !== hash || (record.standing !== 'waiting' && record.standing !== 'admitted')) return null;
  const confirmed = readConfirmed(host);
  if (confirmed === null || confirmed.hash === hash || isHeldProvisionally(host, hash)) return null;
  if (nullIfRefused(() => readTrial(host))?.hash === hash) return null;
  return record.held === null || record.held === confirmed.hash ? record : null;
}

/** Waits for the disk. Throws HostError. */
export function noteWave(
  host: Host,
  about: { readonly change: string; readonly hash: string },
  reply: WaveReply,
): WaveRecord {
  const { go, again, ...said } = reply;
  const former = readWave(host);
  const inForce = nullIfRefused(() => host.readText(IN_FORCE))?.trim() ?? null;
  const record: WaveRecord = {
    ...about,
    ...said,
    standing: go ? 'admitted' : 'waiting',
    next: sinceBoot() + again,
    held: inForce === about.hash && former?.hash === inForce ? former.held : inForce,
  };
  write(host, record);
  return record;
}

/**
 * The change has an end. A heal of the same settings has the same id, and says nothing of the rollout's change. Never throws:
 * what a full disk does not take is told as before.
 */
export function endWave(
  host: Host,
  { id, heals = false }: { readonly id: string; readonly heals?: boolean },
  standing: 'kept' | 'put-back',
): void {
  const record = readWave(host);
  if (!heals && record?.change === id && record.standing !== 'waiting')
    nullIfRefused(() => write(host, { ...record, standing }));
}

/** The configuration counts as confirmed, because an operator wants no trial or nothing was to be changed. */
export function endWaiting(host: Host, hash: string): void {
  const record = readWave(host);
  if (record?.hash !== hash) return;
  if (record.standing === 'waiting') nullIfRefused(() => host.remove(WAVE));
  else endWave(host, { id: record.change }, 'kept');
}

/** What the collector is told; null if there is nothing to tell. `hash`: of the configuration that is held. */
export function waveStanding(
  host: Host,
  hash: string,
): { readonly record: WaveRecord; readonly standing: WaveStanding } | null {
  const record = readWave(host);
  if (record === null) return null;
  const { standing, change } = record;
  if (standing === 'waiting') return waitingWave(host, hash) === null ? null : { record, standing };
  if (standing !== 'kept') return { record, standing };
  const putBack = readPutBack(host);
  if (putBack?.id === change && putBack.heals !== true) return { record, standing: 'put-back' };
  const provisional = readProvisional(host);
  // A change that waits only for a lease event or a boot is proved now.
  const isProved = provisional?.hash !== record.hash || provisional.reason === null;
  return { record, standing: isProved ? 'confirmed' : 'provisional' };
}

/** "waits for its wave (3 of 120 admitted, change 3f9c12ab)". */
export function waitsInShort({ change, counts }: WaveRecord): string {
  const admitted = counts === null ? '' : `${counts.admitted} of ${counts.known} admitted, `;
  return `waits for its wave (${admitted}change ${change})`;
}

function write(host: Host, record: WaveRecord): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(WAVE, `${JSON.stringify(record)}\n`, 0o644, { durable: true });
}
