/** Holds the configuration that was confirmed last, in place of the one on disk. */
import type { Source } from '../../config/compiled.ts';
import { lastGoodFiles } from '../../config/last-good.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { configurationText, readConfirmed, writeConfirmed } from '../../confirm/trial/confirmed-configuration.ts';
import { putBackChange } from '../../confirm/trial/end-trial.ts';
import { forgetProvisional, readProvisional } from '../../confirm/trial/provisional.ts';
import { adoptProvisional } from '../../confirm/trial/provisional-undo.ts';
import {
  forgetPutBack,
  type PutBackChange,
  readPutBack,
  standingPutBack,
} from '../../confirm/trial/put-back-memory.ts';
import { isAbandoned, isOfEarlierBoot, readTrial, removeTrial } from '../../confirm/trial/trial-record.ts';
import { endWaiting, type WaveRecord, waitingWave, waveBesideConfirmed } from '../../confirm/trial/wave-record.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { WAY_BACK } from '../../resources/leftovers.ts';

export interface HeldInstead {
  /** The change of the configuration on disk, which was put back; null if the configuration was not tried yet. */
  readonly change: PutBackChange | null;
  /** The configuration that was confirmed last; null if none was, so that nothing is held. */
  readonly loaded: LoadedConfig | null;
  /** The configuration on disk if it waits for its wave; null otherwise, and if nobody asked whether it does. */
  readonly waits: WaveRecord | null;
}

export interface OnDisk {
  /** The hash of the configuration on disk. */
  readonly hash: string;
  readonly file: string;
  /** Hold the confirmed configuration also if the one on disk was not tried yet, as at boot. */
  readonly untried: boolean;
  /**
   * The same if it waits for its wave; null: hold it. If no other configuration was ever confirmed, a boot holds nothing, and
   * the daemon holds the one on disk, which asks.
   */
  readonly waits: 'boot' | 'daemon' | null;
}

/** null if the configuration on disk is to be held. */
export async function heldInstead(
  host: Host,
  { hash, file, untried, waits: mayWait }: OnDisk,
): Promise<HeldInstead | null> {
  const change = await standingPutBack(host, hash);
  const confirmed = readConfirmed(host);
  const look = mayWait === 'boot' ? waitingWave : waveBesideConfirmed;
  const waits = change !== null || mayWait === null ? null : look(host, hash);
  const isReleased = mayWait === 'boot' && waits !== null;
  if (change === null && waits === null && (!untried || confirmed === null || confirmed.hash === hash)) return null;
  const files = confirmed === null ? null : lastGoodFiles(confirmed.files, file);
  const loaded = files === null ? null : await loadConfig({ files, file, asRoot: false });
  if (change === null && !isReleased && !loaded?.ok) return null;
  return { change, loaded: loaded?.ok ? loaded : null, waits };
}

/** Keeps a configuration as the one that was confirmed last, because an operator wants no trial of it. */
export function confirmByDecree(host: Host, hash: string, sources: readonly Source[]): void {
  forgetProvisional(host);
  confirmUnchanged(host, hash, sources);
}

/** The same for a configuration that changed nothing. What is provisional stays so under its new hash. */
export function confirmUnchanged(host: Host, hash: string, sources: readonly Source[]): void {
  const text = configurationText(hash, sources);
  const change = readProvisional(host);
  if (change !== null) adoptProvisional(host, change, { hash, text });
  if (change === null || change.reason === null) writeConfirmed(host, text);
  endWaiting(host, hash);
  if (readPutBack(host)?.hash === hash) forgetPutBack(host);
}

/**
 * Puts back a trial about which no process decides any longer. The machine was booted in the middle, or both the agent and
 * the undo were killed. Never throws: a trial that cannot be read bars every change, which says so.
 */
export async function putBackAbandoned(host: Host): Promise<void> {
  try {
    await host.exclusively(RUN_FOLDER, async () => {
      const trial = readTrial(host);
      // The process that made the folder was killed before it changed anything.
      if (trial === null) removeTrial(host);
      else if (isAbandoned(host, trial)) {
        const why = isOfEarlierBoot(host, trial)
          ? 'the machine was booted before the change was confirmed'
          : 'the agent ended before the change was confirmed';
        await putBackChange(host, trial, { why, blames: true, interrupted: true }, async () => WAY_BACK);
      }
    });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}
