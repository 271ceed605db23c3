/** What is told of the drift that the keeper finds, and of its heals: each once, with who did it. */
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
  /** A finding as the last look had it. */
  readonly seen: (finding: Finding) => Finding | undefined;
}

/** By finding. */
export type Tramplers = ReadonlyMap<string, Trampler>;

export class DriftReports {
  readonly #options: DriftReportsOptions;
  /** What is told as drifted and not over yet, by resource and then by finding. */
  readonly #drifts = new Map<string, Map<string, Finding>>();
  /** What is told as not to be put right. */
  readonly #failures = new Set<string>();

  constructor(options: DriftReportsOptions) {
    this.#options = options;
  }

  /** Who did it, to be asked before anything is healed: what they wrote tells it. */
  tramplers(findings: readonly Finding[]): Tramplers {
    return new Map(findings.map((finding) => [identity(finding), this.#trampler(finding)]));
  }

  /** To be called with what has to wait: of it, what is fought over is told now and then. */
  waits(resource: Resource, waiting: readonly Finding[], now: number): void {
    const { record, tell } = this.#options;
    const fought = waiting.filter((finding) => record.fights(finding, now) && record.limit(finding).tells(now));
    if (fought.length > 0) tell(suspendedEvent(resource, fought, [...this.tramplers(fought).values()]));
  }

  /** What was put right. In a fight each single heal is no news. */
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
      // A finding that earlier looks did not have is newly wanted: no program changed it. Before the first look all was applied.
      const isNew = finding !== undefined && this.#drifts.has(name) && this.#options.seen(finding) === undefined;
      const known = isNew || (this.#drifts.get(name)?.has(key) ?? false);
      tell(healEvent(outcome, tramplers.get(key), known));
      if (finding !== undefined && !known) this.#witness(finding);
    }
    if (heals > 0) record.heals.set(name, (record.heals.get(name) ?? 0) + 1);
  }

  /** What could not be put right: each failure once, until it is over. */
  failures(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      const key = identity(outcome);
      if (!this.#failures.has(key)) this.#options.tell(failureEvent(outcome));
      this.#failures.add(key);
    }
  }

  /** To be called for what is as wanted. */
  recovered(finding: Finding): void {
    this.#failures.delete(identity(finding));
  }

  /** What differs after all was tried, and what no longer does. */
  drifts(resource: Resource, findings: readonly Finding[]): void {
    const { tell, record, seen } = this.#options;
    const before = this.#drifts.get(resource.name) ?? new Map<string, Finding>();
    const now = new Map(findings.filter(differs).map((finding) => [identity(finding), finding]));
    for (const [key, finding] of now) {
      if (before.has(key)) continue;
      tell(driftEvent(finding, this.#trampler(finding)));
      // What drifted before it was first looked at, nobody need have changed.
      if (seen(finding) !== undefined) this.#witness(finding);
    }
    for (const [key, finding] of before) {
      if (now.has(key)) continue;
      // Put right in a fight, it may be otherwise in the next moment.
      if (record.fights(finding, performance.now())) now.set(key, finding);
      else tell(driftEndedEvent(finding));
    }
    this.#drifts.set(resource.name, now);
  }

  /** Whether it did not change since the last look: then the configuration did. */
  #isAdopted(finding: Finding): boolean {
    const seen = this.#options.seen(finding);
    return seen?.state === 'ok' && seen.actual === finding.actual;
  }

  /** What the resource would know itself, no watched file tells. */
  #witness(finding: Finding): void {
    if (finding.by === undefined) this.#options.witness.watch(finding);
  }

  #trampler(finding: Finding): Trampler {
    const { host, witness, seen } = this.#options;
    return tramplerOf(host, witness, finding, seen(finding)?.actual ?? null);
  }
}
