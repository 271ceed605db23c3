/** Emits one event for each drift and each heal of the keeper, with the program that changed the setting. */
import type { Host } from '../host/host.ts';
import { differs, identity } from '../resources/converge.ts';
import type { Finding, Outcome, Resource } from '../resources/resource.ts';
import type { Tell } from './events.ts';
import type { HealRecord } from './heal-record.ts';
import {
  adoptedEvent,
  awaitedEvent,
  driftEndedEvent,
  driftEvent,
  failureEvent,
  healEvent,
  suspendedEvent,
} from './resource-events.ts';
import { type Trampler, tramplerOf } from './trampler.ts';
import type { Witness } from './witness.ts';

export interface DriftReportsOptions {
  readonly host: Host;
  readonly witness: Witness;
  readonly record: HealRecord;
  readonly tell: Tell;
  /** The same finding at the last look. */
  readonly seen: (finding: Finding) => Finding | undefined;
}

/** The tramplers of findings, by the finding's identity. */
export type Tramplers = ReadonlyMap<string, Trampler>;

export class DriftReports {
  readonly #options: DriftReportsOptions;
  /** Drifts that were emitted and are not over, by resource and then by finding. */
  readonly #drifts = new Map<string, Map<string, Finding>>();
  /** Findings whose failure was emitted. */
  readonly #failures = new Set<string>();

  constructor(options: DriftReportsOptions) {
    this.#options = options;
  }

  /** Names the tramplers. Call it before healing, because the text that they wrote is part of the evidence. */
  tramplers(findings: readonly Finding[]): Tramplers {
    return new Map(findings.map((finding) => [identity(finding), this.#trampler(finding)]));
  }

  /** Takes the findings that must wait. For those that are fought over it emits an event every ten minutes. */
  waits(resource: Resource, waiting: readonly Finding[], now: number): void {
    const { record, tell } = this.#options;
    const fought = waiting.filter((finding) => record.fights(finding, now) && record.limit(finding).tells(now));
    if (fought.length > 0) tell(suspendedEvent(resource, fought, [...this.tramplers(fought).values()]));
  }

  /** Emits the heals. In a fight the single heals are left out. */
  heals({ name }: Resource, due: readonly Finding[], outcomes: readonly Outcome[], tramplers: Tramplers): void {
    const { record, tell } = this.#options;
    const healed = new Map(due.map((finding) => [identity(finding), finding]));
    let heals = 0;
    for (const outcome of outcomes.filter(({ result }) => result === 'changed')) {
      const key = identity(outcome);
      const finding = healed.get(key);
      const adopted = finding !== undefined && this.#isAdopted(finding);
      if (outcome.awaited) tell(awaitedEvent(outcome));
      if (adopted) tell(adoptedEvent(outcome));
      if (outcome.awaited || adopted) continue;
      heals += 1;
      if (record.fights(outcome, performance.now())) continue;
      // A finding that earlier looks did not have is newly wanted, so no program changed it. The first look follows an apply.
      const isNew = finding !== undefined && this.#drifts.has(name) && this.#options.seen(finding) === undefined;
      const known = isNew || (this.#drifts.get(name)?.has(key) ?? false);
      tell(healEvent(outcome, tramplers.get(key), known));
      if (finding !== undefined && !known) this.#witness(finding);
    }
    if (heals > 0) record.heals.set(name, (record.heals.get(name) ?? 0) + 1);
  }

  /** Emits each failure once, until it is over. */
  failures(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      const key = identity(outcome);
      if (!this.#failures.has(key)) this.#options.tell(failureEvent(outcome));
      this.#failures.add(key);
    }
  }

  /** Takes a finding that is as wanted. */
  recovered(finding: Finding): void {
    this.#failures.delete(identity(finding));
  }

  /** Emits what still differs after all tries, and what no longer differs. */
  drifts(resource: Resource, findings: readonly Finding[]): void {
    const { tell, record, seen } = this.#options;
    const before = this.#drifts.get(resource.name) ?? new Map<string, Finding>();
    const now = new Map(findings.filter(differs).map((finding) => [identity(finding), finding]));
    for (const [key, finding] of now) {
      if (before.has(key)) continue;
      tell(driftEvent(finding, this.#trampler(finding)));
      // A drift at the first look may be older than the daemon, so there is nothing to trace.
      if (seen(finding) !== undefined) this.#witness(finding);
    }
    for (const [key, finding] of before) {
      if (now.has(key)) continue;
      // In a fight a finding that is right now may drift again at once, so its drift is not over.
      if (record.fights(finding, performance.now())) now.set(key, finding);
      else tell(driftEndedEvent(finding));
    }
    this.#drifts.set(resource.name, now);
  }

  /** Whether the artifact is the same as at the last look. If so, the configuration changed. */
  #isAdopted(finding: Finding): boolean {
    const seen = this.#options.seen(finding);
    return seen?.state === 'ok' && seen.actual === finding.actual;
  }

  /** Watches the finding, unless its resource names tramplers itself: those are no changes of files. */
  #witness(finding: Finding): void {
    if (finding.by === undefined) this.#options.witness.watch(finding);
  }

  #trampler(finding: Finding): Trampler {
    const { host, witness, seen } = this.#options;
    return tramplerOf(host, witness, finding, seen(finding)?.actual ?? null);
  }
}
