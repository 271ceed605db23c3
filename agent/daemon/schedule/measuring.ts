/** Measures the names of the sortlist at intervals (agent/nearest). Holds a changed order. */
import type { Nearest } from '../../config/desired.ts';
import { errorMessage } from '../../host/errors.ts';
import { targetOf } from '../../nearest/measurement-record.ts';
import type { Attempt, NearestView, Nearness } from '../../nearest/nearness.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';
import type { Keeper } from '../heal/keeper.ts';

export class Measuring {
  readonly #nearness: Nearness;
  readonly #keeper: Keeper;
  readonly #tell: Tell;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #ending = new AbortController();
  /** Names whose last try failed. The failure is emitted once. */
  readonly #failing = new Set<string>();

  constructor(nearness: Nearness, keeper: Keeper, tell: Tell) {
    this.#nearness = nearness;
    this.#keeper = keeper;
    this.#tell = tell;
  }

  /** A name with a fresh measurement is measured again when the measurement has reached its greatest age. */
  start(): void {
    const ages = new Map(this.#nearness.views().map(({ target, age }) => [target, age]));
    for (const nearest of this.#nearness.nearest) {
      const age = ages.get(targetOf(nearest)) ?? null;
      this.#plan(nearest, age === null ? 0 : Math.max(0, nearest.interval - age));
    }
  }

  close(): void {
    this.#ending.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #plan(nearest: Nearest, wait: number): void {
    const timer = setTimeout(async () => {
      await this.#measure(nearest);
      if (!this.#ending.signal.aborted) this.#plan(nearest, nearest.interval);
    }, wait);
    this.#timers.set(targetOf(nearest), timer);
  }

  async #measure(nearest: Nearest): Promise<void> {
    const attempts = await this.#nearness.attempt([nearest], this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    const [{ target, problem }] = attempts as [Attempt];
    try {
      const before = this.#order(target);
      if (this.#nearness.note(attempts)) await this.#keeper.look();
      const now = this.#view(target);
      if (before !== this.#order(target) && now !== undefined) this.#tell(changed(now));
      this.#judge(target, problem, now);
    } catch (error) {
      this.#judge(target, errorMessage(error), this.#view(target));
    }
  }

  #judge(target: string, problem: string | null, view: NearestView | undefined): void {
    if (problem === null) this.#failing.delete(target);
    else if (!this.#failing.has(target)) {
      this.#failing.add(target);
      this.#tell(failed(target, problem, view?.last?.order[0]?.address));
    }
  }

  #order(target: string): string | undefined {
    return this.#view(target)
      ?.last?.order.map(({ address }) => address)
      .join();
  }

  #view(target: string): NearestView | undefined {
    return this.#nearness.views().find((view) => view.target === target);
  }
}

function changed({ target, last }: NearestView) {
  const places = (last?.order ?? []).map(
    ({ address, time }) => `${address} (${time === null ? 'no answer' : `${time} ms`})`,
  );
  const nearest = last?.order[0]?.address;
  const body = `${target}: the order in the sortlist changed to ${places.join(', ')}`;
  return occurrence(EVENTS.nearestChanged, 'info', body, {
    target,
    ...(nearest === undefined ? {} : { 'server.address': nearest }),
  });
}

function failed(target: string, problem: string, nearest: string | undefined) {
  const stays =
    nearest === undefined ? 'its addresses are not in the sortlist' : `${nearest} stays the first in the sortlist`;
  return occurrence(EVENTS.nearestFailed, 'warn', `${target} cannot be measured: ${problem}; ${stays}`, { target });
}
