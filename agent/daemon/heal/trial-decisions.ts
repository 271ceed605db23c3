/** The decisions about trials that this daemon began or took over, and their events. */
import { type PutBackChange, readPutBack } from '../../confirm/trial/put-back-memory.ts';
import type { Host } from '../../host/host.ts';
import type { Tell } from '../daemon-events.ts';
import type { ChangeTrial } from '../daemon-setup.ts';
import { tellVerdict, undecidedEvent } from './trial-event.ts';

export interface TrialDecisionsOptions {
  readonly host: Host;
  readonly tell: Tell;
  /** Called as soon as a change is put back. */
  readonly undone: () => void;
}

export class TrialDecisions {
  readonly #options: TrialDecisionsOptions;
  readonly #awaited = new Set<ChangeTrial>();

  constructor(options: TrialDecisionsOptions) {
    this.#options = options;
  }

  /** Waits for the decision about the trial that was begun, if any. Never throws. */
  async follow(trial: ChangeTrial): Promise<void> {
    const { host, tell, undone } = this.#options;
    if (this.#awaited.has(trial)) return;
    this.#awaited.add(trial);
    const verdict = await trial
      .decide(undone)
      .catch((error: unknown) => tell(undecidedEvent(error)))
      .finally(() => this.#awaited.delete(trial));
    if (verdict) tellVerdict(host, tell, verdict);
  }

  /**
   * Tells of a change that another process put back: the undo that was armed, or an apply. `standing`: the change that is
   * not made meanwhile; null if there is none. A heal may be made again at once, so this looks for its undo by `hash`.
   */
  tellPutBack(standing: PutBackChange | null, hash: string): void {
    const { host, tell } = this.#options;
    if (this.#awaited.size > 0) return;
    const last = standing ?? readPutBack(host);
    if (last === null || last.told || (standing === null && last.hash !== hash)) return;
    tellVerdict(host, tell, { ...last, kind: 'put-back' });
  }
}
