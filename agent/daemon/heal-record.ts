/** What the daemon remembers of its heals. It outlives a reload of the configuration. */
import { identity } from '../resources/converge.ts';
import type { Finding, Outcome } from '../resources/resource.ts';
import { HealLimit } from './heal-limit.ts';

/** Each finding has a limit of its own: one that fails, or is fought over, delays no other. */
export class HealRecord {
  /** Heals by resource, since the start. */
  readonly heals = new Map<string, number>();
  /** By finding. Only of what was healed lately, or could not be. */
  readonly #limits = new Map<string, HealLimit>();
  /** Of the same findings: their keys, for people. */
  readonly #keys = new Map<string, string>();

  /** The limit of a finding, to be written to. */
  limit(finding: Finding | Outcome): HealLimit {
    const key = identity(finding);
    const limit = this.#limits.get(key) ?? new HealLimit();
    this.#limits.set(key, limit);
    this.#keys.set(key, finding.key);
    return limit;
  }

  /**
   * Milliseconds until the finding may be healed; 0: now. What has become possible, nobody took away: it never waits.
   * `now`: of performance.now(), as everywhere here.
   */
  wait(finding: Finding, now: number): number {
    return finding.awaited ? 0 : (this.#limits.get(identity(finding))?.wait(now) ?? 0);
  }

  /** Whether another program changes it again and again. */
  fights(finding: Finding | Outcome, now: number): boolean {
    return this.#limits.get(identity(finding))?.fights(now) ?? false;
  }

  /** Keys of what is fought over, each once, sorted. */
  fought(now: number): string[] {
    const fought = [...this.#limits].filter(([, limit]) => limit.fights(now));
    return [...new Set(fought.map(([key]) => this.#keys.get(key) ?? key))].sort();
  }

  /** To be called for what is as wanted. */
  recovered(finding: Finding, now: number): void {
    const key = identity(finding);
    const limit = this.#limits.get(key);
    limit?.forgiveFailure();
    if (limit?.idle(now)) {
      this.#limits.delete(key);
      this.#keys.delete(key);
    }
  }

  /** What could not be put right may be tried at once: somebody wants it so. */
  forgiveFailures(): void {
    for (const limit of this.#limits.values()) limit.forgiveFailure();
  }
}
