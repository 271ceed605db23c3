/** Keeps resources as they are wanted: looks when something changed and at intervals, heals what drifted, tells of it. */
import { errorCode, errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { converge, differs, type Guard, identity, inspectAll, isActionable, place } from '../resources/converge.ts';
import { ORIGINALS } from '../resources/originals.ts';
import { settleRecords } from '../resources/records.ts';
import type { Finding, Outcome, Resource } from '../resources/resource.ts';
import type { Tell } from './events.ts';
import { HealLimit } from './heal-limit.ts';
import {
  adoptedEvent,
  awaitedEvent,
  deafEvent,
  driftEndedEvent,
  driftEvent,
  failureEvent,
  healEvent,
  suspendedEvent,
} from './resource-events.ts';
import { ResourceFiles } from './resource-files.ts';
import { type Trampler, tramplerOf } from './trampler.ts';
import type { Witness } from './witness.ts';

/** Milliseconds between looks at everything: an inotify queue may overflow, a new dhclient may read another file. */
const LOOK_EVERY = 30_000;
/** And at what has values of the running kernel: /proc/sys tells nobody that it changed. */
const LOOK_AT_VALUES_EVERY = 10_000;
/** Milliseconds until the lock is tried again that another apply has: at first, and at most. */
const LOCK_RETRY = { first: 200, longest: 2000 } as const;
/** Milliseconds for one resource: each program that is started for it ends, or is ended, within ten seconds. */
const STUCK = 120_000;

/** What outlives a reload of the configuration. */
export class HealRecord {
  readonly limits = new Map<string, HealLimit>();
  /** By resource, since the start. */
  readonly heals = new Map<string, number>();

  /** What could not be put right may be tried at once: somebody wants it so. */
  forgiveFailures(): void {
    for (const limit of this.limits.values()) limit.forgiveFailure();
  }
}

export interface KeeperOptions {
  readonly host: Host;
  readonly resources: readonly Resource[];
  readonly guard: Guard | null;
  /** false: tell of drift, and change nothing. */
  readonly enforce: boolean;
  readonly record: HealRecord;
  readonly witness: Witness;
  readonly tell: Tell;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #findings = new Map<string, readonly Finding[]>();
  /** What is told as drifted and not over yet, by resource and then by finding. */
  readonly #drifts = new Map<string, Map<string, Finding>>();
  readonly #failures = new Set<string>();
  readonly #pending = new Set<Resource>();
  readonly #retries = new Map<Resource, NodeJS.Timeout>();
  #working: Promise<void> | null = null;
  /** When the resource came up that is looked at. */
  #since = 0;
  #lockRetry: number = LOCK_RETRY.first;
  #lookedAtAll = 0;
  readonly #intervals: NodeJS.Timeout[] = [];
  readonly #stops: (() => void)[] = [];
  #files: ResourceFiles | null = null;
  #closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Begins to watch: from here on every change is seen. What was changed before, a look finds. */
  watch(): void {
    const everything = () => {
      void settleRecords(this.#options.host, ORIGINALS).catch(() => {}); // another apply is at work, or it is as full as before
      // A heartbeat's look may have been at everything since.
      if (performance.now() - this.#lookedAtAll >= LOOK_EVERY) void this.look();
    };
    const values = () => void this.look(this.#options.resources.filter(({ name }) => this.#hasValues(name)));
    this.#intervals.push(setInterval(everything, LOOK_EVERY), setInterval(values, LOOK_AT_VALUES_EVERY));
    const { host, resources } = this.#options;
    this.#files = new ResourceFiles(host, resources, (changed) => void this.look(changed));
    for (const resource of resources) {
      const stop = resource.follow?.(
        () => void this.look([resource]),
        (why) => this.#options.tell(deafEvent(resource, LOOK_AT_VALUES_EVERY, why)),
      );
      if (stop !== undefined) this.#stops.push(stop);
    }
  }

  /** Looks at these resources and heals what drifted, one resource after the other: they share one lock. */
  look(resources: readonly Resource[] = this.#options.resources): Promise<void> {
    for (const resource of resources) this.#pending.add(resource);
    if (resources === this.#options.resources) {
      this.#lookedAtAll = performance.now();
      // Now, since both begin by looking for dhclients, which is one look where it is at the same time.
      if (!this.#closed) this.#files?.follow();
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      // What came while the last one ended.
      if (this.#pending.size > 0 && !this.#closed) void this.look([]);
    });
    return this.#working;
  }

  /** Whether looking and healing go on. `now`: of performance.now(). */
  healthy(now: number): boolean {
    return this.#working === null || now - this.#since < STUCK;
  }

  /** What the last look found. */
  findings(): Finding[] {
    return this.#options.resources.flatMap(({ name }) => this.#findings.get(name) ?? []);
  }

  /** Looks no more; what is being healed is healed to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const interval of this.#intervals) clearInterval(interval);
    for (const timer of this.#retries.values()) clearTimeout(timer);
    for (const stop of this.#stops) stop();
    this.#files?.close();
    await this.#working;
  }

  #hasValues(resource: string): boolean {
    return this.#findings.get(resource)?.some(({ kind }) => kind === 'value') ?? false;
  }

  async #work(): Promise<void> {
    for (const resource of this.#pending) {
      this.#pending.delete(resource);
      if (this.#closed) return;
      this.#since = performance.now();
      await this.#lookAt(resource);
    }
  }

  async #lookAt(resource: Resource): Promise<void> {
    const { enforce } = this.#options;
    let findings = await inspectAll([resource]);
    const drifted = findings.filter(isActionable);
    if (enforce && drifted.length > 0 && (await this.#heal(resource, drifted))) findings = await inspectAll([resource]);
    if (!findings.some(isActionable)) this.#recovered(resource);
    this.#tellDrifts(resource, findings);
    this.#findings.set(resource.name, findings);
  }

  /** What could not be put right is right: when it drifts next, that has nothing to do with the last time. */
  #recovered(resource: Resource): void {
    if (!this.#options.record.limits.get(resource.name)?.forgiveFailure()) return;
    clearTimeout(this.#retries.get(resource));
    this.#retries.delete(resource);
  }

  /** Gives whether anything was tried. */
  async #heal(resource: Resource, drifted: readonly Finding[]): Promise<boolean> {
    // What has become possible nobody took away: that is no fight.
    const isFight = drifted.some(({ awaited }) => awaited !== true);
    if (isFight && this.#retries.has(resource)) return false;
    const { host, guard, record, tell } = this.#options;
    const limit = record.limits.get(resource.name) ?? new HealLimit();
    record.limits.set(resource.name, limit);
    const wait = isFight ? limit.wait(performance.now()) : 0;
    if (wait > 0) {
      this.#retry(resource, wait);
      const tramplers = drifted.map((finding) => this.#trampler(finding));
      tell(suspendedEvent(resource, drifted, wait, tramplers));
      return false;
    }
    // Whoever it was: what they wrote tells it, and is gone afterwards.
    const tramplers = new Map(drifted.map((finding) => [identity(finding), this.#trampler(finding)]));
    // As it was found right before: then it is what is wanted that is another now.
    const untouched = drifted.filter((finding) => {
      const seen = this.#seen(finding);
      return seen?.state === 'ok' && seen.actual === finding.actual;
    });
    const adopted = (outcome: Outcome) => untouched.some((finding) => identity(finding) === identity(outcome));
    let outcomes: Outcome[];
    try {
      outcomes = await converge(host, [resource], { patience: 0, guard });
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') outcomes = drifted.map((finding) => failed(finding, error));
      else {
        this.#retry(resource, this.#lockRetry);
        this.#lockRetry = Math.min(2 * this.#lockRetry, LOCK_RETRY.longest);
        return false;
      }
    }
    this.#lockRetry = LOCK_RETRY.first;
    if (isFight) limit.note(performance.now());
    const changed = outcomes.filter(({ result }) => result === 'changed');
    for (const outcome of changed.filter(adopted)) tell(adoptedEvent(outcome));
    for (const outcome of changed.filter(({ awaited }) => awaited)) tell(awaitedEvent(outcome));
    const healed = changed.filter((outcome) => !adopted(outcome) && !outcome.awaited);
    if (healed.length > 0) record.heals.set(resource.name, (record.heals.get(resource.name) ?? 0) + 1);
    for (const outcome of healed) {
      const known = this.#drifts.get(resource.name)?.has(identity(outcome)) ?? false;
      tell(healEvent(outcome, tramplers.get(identity(outcome)), known));
      const finding = drifted.find((one) => identity(one) === identity(outcome));
      if (finding !== undefined && !known) this.#witness(finding);
    }
    this.#tellFailures(resource, drifted, outcomes, limit);
    return true;
  }

  /** Each failure once, until it is over; what failed is not tried again at once. */
  #tellFailures(resource: Resource, drifted: readonly Finding[], outcomes: readonly Outcome[], limit: HealLimit): void {
    const tried = new Set(drifted.map(identity));
    let failedOne = false;
    for (const outcome of outcomes) {
      const key = identity(outcome);
      if (outcome.result !== 'failed') this.#failures.delete(key);
      else if (tried.has(key)) {
        failedOne = true;
        if (!this.#failures.has(key)) this.#options.tell(failureEvent(outcome));
        this.#failures.add(key);
      }
    }
    if (failedOne) this.#retry(resource, limit.fail(performance.now()));
  }

  #tellDrifts(resource: Resource, findings: readonly Finding[]): void {
    const { tell } = this.#options;
    const before = this.#drifts.get(resource.name) ?? new Map<string, Finding>();
    const now = new Map(findings.filter(differs).map((finding) => [identity(finding), finding]));
    const fresh = [...now].filter(([key]) => !before.has(key)).map(([, finding]) => finding);
    for (const finding of fresh) {
      tell(driftEvent(finding, this.#trampler(finding)));
      // What drifted before it was first looked at nobody need have changed.
      if (this.#seen(finding) !== undefined) this.#witness(finding);
    }
    for (const [key, finding] of before) {
      if (!now.has(key)) tell(driftEndedEvent(finding));
    }
    this.#drifts.set(resource.name, now);
  }

  /** What the resource would know itself no watched file tells. */
  #witness(finding: Finding): void {
    if (finding.by === undefined) this.#options.witness.watch(finding);
  }

  #trampler(finding: Finding): Trampler {
    const { host, witness } = this.#options;
    return tramplerOf(host, witness, finding, this.#seen(finding)?.actual ?? null);
  }

  /** As the last look found it. */
  #seen({ resource, key, moment }: Finding | Outcome): Finding | undefined {
    return this.#findings.get(resource)?.find((seen) => seen.key === key && seen.moment === moment);
  }

  #retry(resource: Resource, wait: number): void {
    const timer = setTimeout(() => {
      this.#retries.delete(resource);
      void this.look([resource]);
    }, wait);
    this.#retries.set(resource, timer);
  }
}

function failed(finding: Finding, error: unknown): Outcome {
  return { ...place(finding), result: 'failed', actual: finding.actual, reason: errorMessage(error) };
}
