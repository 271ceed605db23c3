/** Tells the collector what became of the last change, and tries a change that waits for its wave again in its time. */
import { type Sample, sample } from '../../../probes/probe.ts';
import { waitingWave, waveBesideConfirmed, waveStanding } from '../../confirm/trial/wave-record.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';

/** Milliseconds: the shortest and the longest wait for the next question. */
const WAIT = { least: 1_000, most: 600_000 } as const;
/**
 * Milliseconds until the next look at the record while nothing waits, because a heal that asks again may note later that the
 * change waits; and until the next apply after one that did not ask.
 */
const LOOK = 15_000;

export interface WaveWatchOptions {
  readonly host: Host;
  /** Whether changes are tried. */
  readonly tries: boolean;
  /** Whether changes wait for their wave (`confirm.waves`). */
  readonly waves: boolean;
  /** The hash of the configuration that was read from the disk, which asks. */
  readonly hash: string;
  /** Whether this configuration is held; false: the one that was confirmed last is held meanwhile. */
  readonly isHeld: boolean;
  /** Applies the whole configuration, which asks again. */
  readonly apply: () => Promise<unknown>;
  /** Called when the other one of the two configurations is to be held. False if that cannot be. */
  readonly turn: () => boolean;
}

export class WaveWatch {
  readonly #options: WaveWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** `next` of the record at the last apply. */
  #asked: number | null = null;
  #asking: Promise<unknown> = Promise.resolve();

  constructor(options: WaveWatchOptions) {
    this.#options = options;
  }

  /** Call this after the configuration was applied. */
  start(): void {
    void this.#wait().catch(() => {});
  }

  /** Ends after a change that is being made. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#asking;
  }

  samples(): Sample[] {
    const { host, hash } = this.#options;
    const found = nullIfRefused(() => waveStanding(host, hash));
    if (found === null) return [];
    const { change, rollout } = found.record;
    return [
      sample('holdfast.change.wave', 1, {
        'holdfast.change.id': change,
        'holdfast.change.rollout': rollout ?? '',
        'holdfast.change.standing': found.standing,
      }),
    ];
  }

  async #wait(): Promise<void> {
    const { host, tries, waves, hash, isHeld, apply, turn } = this.#options;
    if (this.#closed || !tries) return;
    const beside = waveBesideConfirmed(host, hash);
    if (isHeld === (beside !== null) && turn()) return;
    const waiting = isHeld ? waitingWave(host, hash) : beside;
    if (waiting === null && !waves) return;
    // The last apply did not ask: another one had the lock, or the disk has another configuration by now.
    const isSame = waiting !== null && waiting.next === this.#asked;
    const wait =
      waiting === null || isSame ? LOOK : Math.min(WAIT.most, Math.max(WAIT.least, waiting.next - sinceBoot()));
    this.#timer = setTimeout(() => {
      this.#asked = waiting?.next ?? null;
      const applied = waiting === null ? Promise.resolve() : apply().catch(() => {});
      this.#asking = applied.then(() => this.#wait().catch(() => {}));
    }, wait);
  }
}
