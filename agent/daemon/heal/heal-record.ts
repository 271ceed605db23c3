/** The daemon's memory of its heals, which outlives a reload of the configuration. */
import { identity } from '../../hold/converge.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import { HealLimit } from './heal-limit.ts';

/** Each finding has its own limit, so a finding that fails or is fought over delays no other. */
export class HealRecord {
  /** The number of heals since the start, by resource. */
  readonly heals = new Map<string, number>();
  /** Limits by finding, for findings that were healed lately or failed. */
  readonly #limits = new Map<string, HealLimit>();
  /** Keys of the same findings, for people. */
  readonly #keys = new Map<string, string>();

  /** The limit of a finding, made if needed. */
  limit(finding: Finding | Outcome): HealLimit {
    const key = identity(finding);
    const limit = this.#limits.get(key) ?? new HealLimit();
    this.#limits.set(key, limit);
    this.#keys.set(key, finding.key);
    return limit;
  }

  /**
   * Milliseconds until the finding may be healed; 0 means now. An awaited finding never waits, because no program
   * fights over it. `now` is performance.now(), as everywhere in this file.
   */
  wait(finding: Finding, now: number): number {
    return finding.awaited ? 0 : (this.#limits.get(identity(finding))?.wait(now) ?? 0);
  }

  /** Whether another program changes the artifact again and again. */
  fights(finding: Finding | Outcome, now: number): boolean {
    return this.#limits.get(identity(finding))?.fights(now) ?? false;
  }

  /** The sorted keys of all artifacts that are fought over, without repeats. */
  fought(now: number): string[] {
    const fought = [...this.#limits].filter(([, limit]) => limit.fights(now));
    return [...new Set(fought.map(([key]) => this.#keys.get(key) ?? key))].sort();
  }

  /** Takes a finding that is as wanted. */
  recovered(finding: Finding, now: number): void {
    const key = identity(finding);
    const limit = this.#limits.get(key);
    limit?.forgiveFailure();
    if (limit?.idle(now)) {
      this.#limits.delete(key);
      this.#keys.delete(key);
    }
  }

  /** Lets every failed heal be tried at once. */
  forgiveFailures(): void {
    for (const limit of this.#limits.values()) limit.forgiveFailure();
  }
}
