/** Keeps resources as wanted: looks after changes and at intervals, heals drift, and emits events. */
import { converge, type Guard, identity, inspectAll, isActionable, place } from '../../hold/converge.ts';
import { traitsOf } from '../../hold/finding-kinds.ts';
import { settleRecords } from '../../hold/originals/disk-or-memory.ts';
import { ORIGINALS } from '../../hold/originals/originals.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Tell } from '../daemon-events.ts';
import { DriftReports } from './drift-reports.ts';
import type { HealRecord } from './heal-record.ts';
import { LockWait } from './lock-wait.ts';
import { deafEvent } from './resource-events.ts';
import { ResourceFiles } from './resource-files.ts';
import type { Witness } from './witness.ts';

/**
 * Milliseconds between looks at everything. An inotify queue may overflow, and a new dhclient may read another file.
 */
const LOOK_EVERY = 30_000;
/** Milliseconds between looks at artifacts that no watch covers: /proc/sys reports no changes. */
const POLL_EVERY = 10_000;
/** Milliseconds by which an interval may end early, because performance.now() has a finer clock than timers. */
const EARLY = 100;
/** Milliseconds for one resource. Each program that it starts is ended after ten seconds at most. */
const STUCK = 120_000;

export interface KeeperOptions {
  readonly host: Host;
  readonly resources: readonly Resource[];
  readonly guard: Guard | null;
  /** The guard of a heal of several resources, which are healed together then; null or absent if each is healed by itself. */
  readonly joint?: Guard | null;
  /** False: emit drift, and change nothing but resources that only observe. */
  readonly enforce: boolean;
  readonly record: HealRecord;
  readonly witness: Witness;
  readonly tell: Tell;
  /** Whether another configuration is already in force, which this keeper's owner is about to read. */
  readonly isSuperseded?: () => boolean;
}

/** A resource with its drifted findings. */
interface DueDrift {
  readonly resource: Resource;
  readonly drifted: readonly Finding[];
  /** Those that need not wait. */
  readonly due: readonly Finding[];
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** Findings of the last look, by resource and then by finding. */
  readonly #findings = new Map<string, ReadonlyMap<string, Finding>>();
  readonly #reports: DriftReports;
  /** Heals that failed in the present round of looks: several resources may fail for the same reason. */
  readonly #failures: Outcome[] = [];
  readonly #pending = new Set<Resource>();
  /** Timers for resources with findings that had to wait. */
  readonly #retries = new Map<Resource, { readonly timer: NodeJS.Timeout; readonly at: number }>();
  #working: Promise<void> | null = null;
  /** When the look at the present resource began. */
  #since = 0;
  readonly #lock = new LockWait();
  #lookedAtAll = 0;
  readonly #intervals: NodeJS.Timeout[] = [];
  readonly #stops: (() => void)[] = [];
  #files: ResourceFiles | null = null;
  #closed = false;
  #paused = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#reports = new DriftReports({ ...options, seen: (finding) => this.#seen(finding) });
  }

  /** Begins to watch. Every later change is seen; a look finds the earlier changes. */
  watch(): void {
    const everything = () => {
      void settleRecords(this.#options.host, ORIGINALS).catch(() => {}); // another apply is running, or the disk is still full
      // A heartbeat may have looked at everything in the meantime.
      if (performance.now() - this.#lookedAtAll >= LOOK_EVERY - EARLY) void this.look();
    };
    const polled = () => void this.look(this.#options.resources.filter(({ name }) => this.#isPolled(name)));
    this.#intervals.push(setInterval(everything, LOOK_EVERY), setInterval(polled, POLL_EVERY));
    const { host, resources } = this.#options;
    this.#files = new ResourceFiles(host, resources, (changed) => void this.look(changed));
    for (const resource of resources) {
      const stop = resource.follow?.(
        () => void this.look([resource]),
        (why) => this.#options.tell(deafEvent(resource, POLL_EVERY, why)),
      );
      if (stop !== undefined) this.#stops.push(stop);
    }
  }

  /** Looks at these resources and heals drift, one resource after the other, because they share one lock. */
  look(resources: readonly Resource[] = this.#options.resources): Promise<void> {
    for (const resource of resources) this.#pending.add(resource);
    if (resources === this.#options.resources) {
      this.#lookedAtAll = performance.now();
      // Called now, because both calls list the dhclients first, and simultaneous calls share one listing.
      if (!this.#closed) this.#files?.follow();
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      // Work on the resources that were added while the last run ended.
      if (this.#pending.size > 0 && !this.#closed && !this.#rests()) void this.look([]);
    });
    return this.#working;
  }

  /** Whether looking and healing make progress. `now` is performance.now(). */
  healthy(now: number): boolean {
    return this.#working === null || now - this.#since < STUCK;
  }

  /** The findings of the last look. */
  findings(): Finding[] {
    return this.#options.resources.flatMap(({ name }) => [...(this.#findings.get(name)?.values() ?? [])]);
  }

  /** Neither looks nor heals until `resume`: a new configuration is being read, and may want another state. */
  pause(): void {
    this.#paused = true;
  }

  /** Looks at every resource that was due since `pause`. */
  resume(): void {
    this.#paused = false;
    void this.look([]);
  }

  /** Ends after the present heal is complete. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const interval of this.#intervals) clearInterval(interval);
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    for (const stop of this.#stops) stop();
    this.#files?.close();
    await this.#working;
  }

  /** True while another configuration is being read, which may want another state. */
  #rests(): boolean {
    return this.#paused || this.#options.isSuperseded?.() === true;
  }

  #isPolled(resource: string): boolean {
    return [...(this.#findings.get(resource)?.values() ?? [])].some((finding) => traitsOf(finding).polled);
  }

  async #work(): Promise<void> {
    for (const resource of this.#pending) {
      if (this.#closed || this.#paused) break;
      this.#pending.delete(resource);
      this.#since = performance.now();
      if (!(await this.#lookAt(resource))) {
        this.#pending.add(resource);
        break;
      }
    }
    this.#reports.failures(this.#failures.splice(0));
  }

  /** False if the resource was neither healed nor reported, because another configuration is being read. */
  async #lookAt(resource: Resource): Promise<boolean> {
    const { enforce, record } = this.#options;
    let findings = await inspectAll([resource]);
    const drifted = findings.filter(isActionable);
    if (drifted.length > 0 && this.#rests()) return false;
    const deed =
      (enforce || resource.observes === true) && drifted.length > 0 ? await this.#heal(resource, drifted) : 'left';
    // A running apply is not done yet, and may be about to tell the daemon of a new configuration.
    if (deed === 'busy') return !this.#rests();
    if (deed === 'tried') findings = await inspectAll([resource]);
    for (const finding of findings.filter((one) => !isActionable(one))) {
      // A later drift is a new drift, so its limit forgets the earlier failure.
      record.recovered(finding, performance.now());
      this.#reports.recovered(finding);
    }
    this.#reports.drifts(resource, findings);
    this.#findings.set(resource.name, new Map(findings.map((finding) => [identity(finding), finding])));
    return true;
  }

  /** The other resources that have drifted too. They are looked at again afterwards. */
  async #besides(resource: Resource, isDue: (finding: Finding) => boolean): Promise<DueDrift[]> {
    const found: DueDrift[] = [];
    for (const other of this.#options.resources) {
      if (other.observes === true || other === resource) continue;
      const drifted = (await inspectAll([other])).filter(isActionable);
      const due = drifted.filter(isDue);
      if (due.length === 0) continue;
      found.push({ resource: other, drifted, due });
      this.#pending.add(other);
    }
    return found;
  }

  /**
   * Heals the findings that need not wait. `busy`: another apply runs, and the resource is looked at again.
   */
  async #heal(resource: Resource, drifted: readonly Finding[]): Promise<'tried' | 'left' | 'busy'> {
    const { host, record, joint = null } = this.#options;
    const now = performance.now();
    const isDue = (finding: Finding) => record.wait(finding, now) === 0;
    let rested = false;
    // Checked under the lock: an apply that had the lock before may have applied another configuration.
    const permits = (findings: readonly Finding[]) => {
      rested ||= this.#rests();
      return rested ? [] : findings.filter((finding) => isDue(finding) || this.#options.guard?.joins(finding) === true);
    };
    const due = drifted.filter(isDue);
    const waiting = drifted.filter((finding) => !isDue(finding));
    for (const finding of waiting) this.#retry(resource, record.wait(finding, now));
    this.#reports.waits(resource, waiting, now);
    if (due.length === 0) return 'left';
    const busy = () => (this.#lock.isOfApply() ? 'busy' : 'left');
    const locked = this.#lock.left(now);
    if (locked > 0) {
      this.#retry(resource, locked);
      return busy();
    }
    const isJoined = joint !== null && resource.observes !== true;
    const all = [{ resource, drifted, due }, ...(isJoined ? await this.#besides(resource, isDue) : [])];
    const guard = all.length > 1 ? joint : this.#options.guard;
    const everyDue = all.flatMap((one) => one.due);
    const tramplers = this.#reports.tramplers(everyDue);
    let outcomes: Outcome[];
    try {
      outcomes = await converge(
        host,
        all.map((one) => one.resource),
        { patience: 0, guard, permits, drifted: all.flatMap((one) => one.drifted) },
      );
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') outcomes = everyDue.map((finding) => failed(finding, error));
      else {
        this.#lock.note();
        this.#retry(resource, this.#lock.left());
        return busy();
      }
    }
    if (rested) return 'busy';
    for (const finding of everyDue) if (!finding.awaited) record.limit(finding).note(performance.now());
    const tried = new Set(everyDue.map(identity));
    for (const one of all) {
      const own = outcomes.filter((outcome) => outcome.resource === one.resource.name);
      this.#reports.heals(one.resource, one.due, own, tramplers);
      const failures = own.filter((outcome) => outcome.result === 'failed' && tried.has(identity(outcome)));
      this.#failures.push(...failures.filter(({ postponed }) => postponed !== true));
      for (const failure of failures) {
        const limit = record.limit(failure);
        limit.fail(performance.now());
        this.#retry(one.resource, limit.wait(performance.now()));
      }
    }
    return 'tried';
  }

  #seen(finding: Finding): Finding | undefined {
    return this.#findings.get(finding.resource)?.get(identity(finding));
  }

  /** Plans the next look. The earliest requested time counts. */
  #retry(resource: Resource, wait: number): void {
    const at = performance.now() + wait;
    const planned = this.#retries.get(resource);
    if (planned !== undefined && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      this.#retries.delete(resource);
      void this.look([resource]);
    }, wait);
    this.#retries.set(resource, { timer, at });
  }
}

function failed(finding: Finding, error: unknown): Outcome {
  return { ...place(finding), result: 'failed', actual: finding.actual, reason: errorMessage(error) };
}
