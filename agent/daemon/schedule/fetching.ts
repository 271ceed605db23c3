/**
 * Fetches at intervals the values that routes take from the cloud's metadata (agent/metadata). Holds changed values.
 */
import { errorMessage } from '../../host/errors.ts';
import type { Metadata, MetadataChange, MetadataView } from '../../metadata/metadata.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';
import type { Keeper } from '../heal/keeper.ts';

/** Milliseconds for one fetch with all its requests. */
const LIMIT = 30_000;
/** Milliseconds until the next try after a failure. Each wait is twice the previous wait, up to the interval. */
const FIRST_RETRY = 2_000;
/**
 * The longest wait while a value was never known: the value's routes wait for it, and at boot the network comes up
 * late.
 */
const LONGEST_WAIT_FOR_FIRST = 30_000;
/** Part of the interval by which each wait varies, so that a fleet that starts together does not ask together. */
const JITTER = 0.1;
/** Failures in a row before an event is emitted. At boot the first failure is usual. */
const TOLD_AFTER = 3;

export class Fetching {
  readonly #metadata: Metadata;
  readonly #keeper: Keeper;
  readonly #tell: Tell;
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** Failures in a row. */
  #failures = 0;

  constructor(metadata: Metadata, keeper: Keeper, tell: Tell) {
    this.#metadata = metadata;
    this.#keeper = keeper;
    this.#tell = tell;
  }

  /** A value that is already fresh is fetched again when its interval is over. */
  start(): void {
    const ages = this.#views().map(({ age }) => age);
    const oldest = ages.length === 0 || ages.includes(null) ? null : Math.max(...ages.map((age) => age ?? 0));
    this.#plan(oldest === null ? 0 : Math.max(0, this.#metadata.interval - oldest));
  }

  close(): void {
    this.#ending.abort();
    clearTimeout(this.#timer);
  }

  #plan(wait: number): void {
    this.#timer = setTimeout(
      async () => {
        await this.#fetch();
        if (!this.#ending.signal.aborted) this.#plan(this.#wait());
      },
      wait * (1 - JITTER + 2 * JITTER * Math.random()),
    );
  }

  async #fetch(): Promise<void> {
    try {
      const fetched = await this.#metadata.fetch(AbortSignal.any([this.#ending.signal, AbortSignal.timeout(LIMIT)]));
      if (this.#ending.signal.aborted) return;
      const changes = this.#metadata.note(fetched);
      for (const change of changes) this.#tell(changed(change));
      if (changes.length > 0) await this.#keeper.look();
      const problems = this.#views().filter(({ problem }) => problem !== null);
      this.#judge(problems);
    } catch (error) {
      // The values could not be saved: the disk is full.
      const problem = errorMessage(error);
      this.#judge(this.#views().map((view) => ({ ...view, problem })));
    }
  }

  #judge(problems: readonly MetadataView[]): void {
    this.#failures = problems.length === 0 ? 0 : this.#failures + 1;
    if (this.#failures === TOLD_AFTER) this.#tell(failed(problems));
  }

  #wait(): number {
    const { interval } = this.#metadata;
    if (this.#failures === 0) return interval;
    const longest = this.#views().some(({ values }) => values === null) ? LONGEST_WAIT_FOR_FIRST : interval;
    return Math.min(FIRST_RETRY * 2 ** Math.min(this.#failures - 1, 20), longest, interval);
  }

  /** A record that cannot be read counts as empty. */
  #views(): MetadataView[] {
    try {
      return this.#metadata.views();
    } catch {
      return [];
    }
  }
}

function changed({ key, source, before, after }: MetadataChange) {
  const list = (values: readonly string[]) => values.join(', ') || 'none';
  const was = before === null ? '' : `; it was ${list(before)}`;
  return occurrence(EVENTS.metadataChanged, 'info', `${source} says ${key} is ${list(after)}${was}`, { name: key });
}

function failed(problems: readonly MetadataView[]) {
  const each = problems.map(({ key, values, problem }) => {
    const stays =
      values === null ? 'no value is known yet, so its routes stay as they are' : 'the known values stay in force';
    return `${key}: ${problem} (${stays})`;
  });
  const body = `the cloud's metadata for routes cannot be fetched: ${each.join('; ')}`;
  return occurrence(EVENTS.metadataFailed, 'warn', body);
}
