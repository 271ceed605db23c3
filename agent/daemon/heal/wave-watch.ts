/** Tells the collector what became of the last change, and tries a change that waits for its wave again in its time. */
import { type Sample, sample } from '../../../probes/probe.ts';
import { waveStanding } from '../../confirm/trial/wave-record.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import type { ChangeTrial } from '../daemon-setup.ts';

/** Milliseconds: the shortest and the longest wait for the next question. */
const WAIT = { least: 1_000, most: 600_000 } as const;
/**
 * Milliseconds until the next look at the record while nothing waits: a heal that asks again may note later that the change
 * waits.
 */
const LOOK = 15_000;

export interface WaveWatchOptions {
  readonly host: Host;
  /** null if changes are not tried. */
  readonly trial: ChangeTrial | null;
  /** Whether changes wait for their wave (`confirm.waves`). */
  readonly waves: boolean;
  /** The hash of the configuration that is held. */
  readonly hash: string;
  /** Applies the whole configuration, which asks again. Never rejects. */
  readonly apply: () => Promise<unknown>;
}

export class WaveWatch {
  readonly #options: WaveWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
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
    const { trial, waves, apply } = this.#options;
    const waiting = (await trial?.waits()) ?? null;
    if (this.#closed || trial === null || (waiting === null && !waves)) return;
    const wait = waiting === null ? LOOK : Math.min(WAIT.most, Math.max(WAIT.least, waiting.next - sinceBoot()));
    this.#timer = setTimeout(() => {
      this.#asking = (waiting === null ? Promise.resolve() : apply()).then(() => this.#wait().catch(() => {}));
    }, wait);
  }
}
