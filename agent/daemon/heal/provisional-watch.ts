/**
 * Tells which change is provisional, and asks its witnesses again: until they prove it, and after the first lease event
 * and the first boot with it.
 */
import { type Sample, sample } from '../../../probes/probe.ts';
import { readProvisional, visibleMoments } from '../../confirm/trial/provisional.ts';
import type { Host } from '../../host/host.ts';
import type { Tell } from '../daemon-events.ts';
import type { ChangeTrial } from '../daemon-setup.ts';
import { tellVerdict } from './trial-event.ts';

export interface ProvisionalWatchOptions {
  readonly host: Host;
  /** The hash of the configuration. */
  readonly hash: string;
  /** null if changes are not tried: then nobody is asked. */
  readonly trial: ChangeTrial | null;
  readonly tell: Tell;
  /** Called as soon as a change is put back. */
  readonly undone: () => void;
}

export class ProvisionalWatch {
  readonly #options: ProvisionalWatchOptions;
  readonly #end = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(options: ProvisionalWatchOptions) {
    this.#options = options;
  }

  /** `interval`: milliseconds between two looks. */
  start(interval: number): void {
    const { trial } = this.#options;
    if (trial !== null) this.#timer = setInterval(() => void this.#look(trial), interval);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  samples(): Sample[] {
    const { host, hash } = this.#options;
    const change = readProvisional(host);
    if (change === null) return [];
    const id = { 'holdfast.change.id': change.id };
    return [
      ...(change.reason === null ? [] : [sample('holdfast.change.provisional', 1, id)]),
      ...visibleMoments(change, hash).map((moment) => sample('holdfast.change.unseen', 1, { ...id, moment })),
    ];
  }

  async #look(trial: ChangeTrial): Promise<void> {
    const { host, tell, undone } = this.#options;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const verdict = await trial.proveAgain(this.#end.signal, undone);
      if (verdict !== null) tellVerdict(host, tell, verdict);
    } catch {
      // The next look tries again.
    } finally {
      this.#isAsking = false;
    }
  }
}
