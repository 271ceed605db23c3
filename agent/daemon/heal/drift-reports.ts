/** Emits one event for each drift and each heal of the keeper, with the program that changed the setting. */
import { differs, identity } from '../../hold/converge.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { Tell } from '../daemon-events.ts';
import type { HealRecord } from './heal-record.ts';
import {
  adoptedEvent,
  alike,
  alikeFailures,
  awaitedEvent,
  driftCause,
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

  /** Takes the findings that must wait. For findings that are fought over it emits an event every ten minutes. */
  waits(resource: Resource, waiting: readonly Finding[], now: number): void {
    const { record, tell } = this.#options;
    const fought = waiting.filter((finding) => record.fights(finding, now) && record.limit(finding).tells(now));
    if (fought.length > 0) tell(suspendedEvent(resource, fought, [...this.tramplers(fought).values()]));
  }

  /** Emits the heals. In a fight the single heals are left out. */
  heals({ name }: Resource, due: readonly Finding[], outcomes: readonly Outcome[], tramplers: Tramplers): void {
    const { record, tell } = this.#options;
    const healed = new Map(due.map((finding) => [identity(finding), finding]));
    const changed = outcomes.filter(({ result }) => result === 'changed');
    const isAdopted = (outcome: Outcome) => {
      const finding = healed.get(identity(outcome));
      return finding !== undefined && this.#isAdopted(finding);
    };
    const awaited = changed.filter((outcome) => outcome.awaited);
    const adopted = new Set(changed.filter(isAdopted));
    for (const group of alike(awaited, ({ reason }) => reason)) tell(awaitedEvent(group));
    const isRemoved = ({ actual }: Outcome) => actual === null;
    for (const group of alike([...adopted], isRemoved)) tell(adoptedEvent(group, isRemoved(group[0])));
    const heals = changed.filter((outcome) => !outcome.awaited && !adopted.has(outcome));
    if (heals.length > 0) record.heals.set(name, (record.heals.get(name) ?? 0) + 1);
    // A finding that earlier looks did not have is newly wanted, so no program changed it. The first look follows an
    // apply.
    const isKnown = (outcome: Outcome) => {
      const finding = healed.get(identity(outcome));
      const isNew = finding !== undefined && this.#drifts.has(name) && this.#options.seen(finding) === undefined;
      return isNew || (this.#drifts.get(name)?.has(identity(outcome)) ?? false);
    };
    const now = performance.now();
    const news = heals.filter((outcome) => !record.fights(outcome, now));
    const who = (outcome: Outcome) => tramplers.get(identity(outcome));
    for (const group of alike(news, (outcome) => [who(outcome), isKnown(outcome), outcome.reason]))
      tell(healEvent(group, who(group[0]), isKnown(group[0])));
    for (const outcome of news) {
      const finding = healed.get(identity(outcome));
      if (finding !== undefined && !isKnown(outcome)) this.#witness(finding);
    }
  }

  /** Emits each failure once, until it is over. */
  failures(outcomes: readonly Outcome[]): void {
    const news = outcomes.filter((outcome) => !this.#failures.has(identity(outcome)));
    for (const group of alikeFailures(news)) this.#options.tell(failureEvent(group));
    for (const outcome of news) this.#failures.add(identity(outcome));
  }

  /** Takes a finding that is as wanted. */
  recovered(finding: Finding): void {
    this.#failures.delete(identity(finding));
  }

  /** Emits the findings that still differ after all tries, and the findings that no longer differ. */
  drifts(resource: Resource, findings: readonly Finding[]): void {
    const { tell, record, seen } = this.#options;
    const before = this.#drifts.get(resource.name) ?? new Map<string, Finding>();
    const now = new Map(findings.filter(differs).map((finding) => [identity(finding), finding]));
    const news = [...now].flatMap(([key, finding]) => (before.has(key) ? [] : [finding]));
    const tramplers = this.tramplers(news);
    const who = (finding: Finding) => tramplers.get(identity(finding))!;
    for (const group of alike(news, (finding) => [driftCause(finding, who(finding)), who(finding).attributes]))
      tell(driftEvent(group, who(group[0])));
    // A drift at the first look may be older than the daemon, so there is nothing to trace.
    for (const finding of news) if (seen(finding) !== undefined) this.#witness(finding);
    const ended: Finding[] = [];
    for (const [key, finding] of before) {
      if (now.has(key)) continue;
      // In a fight, a finding that is right now may drift again at once, so its drift is not over.
      if (record.fights(finding, performance.now())) now.set(key, finding);
      else ended.push(finding);
    }
    for (const group of alike(ended, () => null)) tell(driftEndedEvent(group));
    this.#drifts.set(resource.name, now);
  }

  /** Whether the artifact is the same as at the last look. If so, the configuration changed. */
  #isAdopted(finding: Finding): boolean {
    const seen = this.#options.seen(finding);
    return seen?.state === 'ok' && seen.actual === finding.actual;
  }

  /** Watches the finding, unless its resource names tramplers itself: its findings are no changes of files. */
  #witness(finding: Finding): void {
    if (finding.by === undefined) this.#options.witness.watch(finding);
  }

  #trampler(finding: Finding): Trampler {
    const { host, witness, seen } = this.#options;
    return tramplerOf(host, witness, finding, seen(finding)?.actual ?? null);
  }
}
