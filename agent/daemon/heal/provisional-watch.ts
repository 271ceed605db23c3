/** Tells which change is provisional, and asks its witnesses again until they prove it. */
import { type Sample, sample } from '../../../probes/probe.ts';
import { readProvisional } from '../../confirm/trial/provisional.ts';
import type { Host } from '../../host/host.ts';
import type { Tell } from '../daemon-events.ts';
import type { ChangeTrial } from '../daemon-setup.ts';
import { trialEvent } from './trial-event.ts';

export class ProvisionalWatch {
  readonly #host: Host;
  readonly #trial: ChangeTrial | null;
  readonly #tell: Tell;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  /** `trial` is null if changes are not tried: then nobody is asked. */
  constructor(host: Host, trial: ChangeTrial | null, tell: Tell) {
    this.#host = host;
    this.#trial = trial;
    this.#tell = tell;
  }

  /** `interval`: milliseconds between two looks. */
  start(interval: number): void {
    const trial = this.#trial;
    if (trial !== null) this.#timer = setInterval(() => void this.#look(trial), interval);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  samples(): Sample[] {
    const change = readProvisional(this.#host);
    return change === null ? [] : [sample('holdfast.change.provisional', 1, { 'holdfast.change.id': change.id })];
  }

  async #look(trial: ChangeTrial): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const verdict = await trial.proveAgain();
      if (verdict !== null) this.#tell(trialEvent(verdict));
    } catch {
      // The next look tries again.
    } finally {
      this.#isAsking = false;
    }
  }
}
