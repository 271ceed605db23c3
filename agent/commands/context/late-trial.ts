/** The guard that tries changes (agent/confirm/trial), loaded only when something is about to be changed. */
import { confirmedHash } from '../../confirm/trial/confirmed-hash.ts';
import type { TrialGuard } from '../../confirm/trial/trial-guard.ts';
import type { TrialVerdict } from '../../confirm/trial/trial-verdict.ts';
import type { WaveRecord } from '../../confirm/trial/wave-record.ts';
import type { Guard } from '../../hold/converge.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { PROVISIONAL, PUT_BACK, TRIAL, WAVE } from '../../host/paths.ts';

/** Whether changes are tried: as the configuration says, by the command line, or not. */
export type TrialMode = 'configured' | 'always' | 'never';

export interface LateTrialOptions {
  readonly host: Host;
  /** Proves DNS, inside the trial; null if DNS needs no proof. */
  readonly proof: Guard | null;
  /** The hash of the configuration. */
  readonly hash: string;
  /** Whether a change is tried: otherwise a running trial is only respected. */
  readonly tries: boolean;
  /** The operator wants no trial (`--no-confirm`), so the result counts as confirmed. */
  readonly decrees: boolean;
  readonly load: () => Promise<TrialGuard>;
  /** Keeps the configuration as the one that was confirmed last. `decreed`: whatever is provisional. Throws HostError. */
  readonly confirm: (decreed: boolean) => Promise<void>;
}

const WAITS = 'nothing is changed yet: the host waits for its wave; "agent status" says how far the rollout is';

export class LateTrial implements Guard {
  /** Called after a trial was begun. */
  onBegun: () => void = () => {};
  readonly #options: LateTrialOptions;
  #loaded: Promise<TrialGuard> | null = null;
  #waiting: WaveRecord | null = null;

  constructor(options: LateTrialOptions) {
    this.#options = options;
  }

  unfinished(): boolean {
    return this.#options.proof?.unfinished() ?? false;
  }

  joins(finding: Finding): boolean {
    return this.#options.proof?.joins(finding) ?? false;
  }

  async around(
    resources: readonly Resource[],
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
  ): Promise<Outcome[]> {
    const guard = await this.#guard();
    const outcomes = await guard.around(resources, change);
    this.#waiting = guard.waiting;
    if (guard.trial !== null) this.onBegun();
    return outcomes;
  }

  /** The change that waits for its wave, as of the last question; null if none does, or nothing was asked. */
  get waiting(): WaveRecord | null {
    return this.#waiting;
  }

  /** For drift from a configuration that was confirmed: such a heal needs no trial, but joins a trial that runs. */
  get healing(): Guard {
    const { host, proof } = this.#options;
    return this.#unlessWaiting(async (resources, change) => {
      const isKept = this.#isConfirmed() || (await this.#isHeldProvisionally());
      if (host.lstat(TRIAL) !== null || !isKept || (await this.#isPutBack())) return this.around(resources, change);
      return proof === null ? change(resources) : proof.around(resources, change);
    });
  }

  /** For drift of several resources, which is always healed in a trial. */
  get joint(): Guard {
    return this.#unlessWaiting((resources, change) => this.around(resources, change));
  }

  /** Leaves all as it is while the configuration waits for its wave: the daemon asks for the whole change, in its time. */
  #unlessWaiting(around: Guard['around']): Guard {
    return {
      unfinished: () => this.unfinished(),
      joins: (finding) => this.joins(finding),
      around: async (resources, change) => {
        if (!(await this.#isWaiting())) return around(resources, change);
        const [{ refused }, { inspectAll }] = await Promise.all([
          import('../../hold/proof/proof-words.ts'),
          import('../../hold/converge.ts'),
        ]);
        const outcomes = refused(await inspectAll(resources), WAITS);
        return outcomes.map((outcome) => (outcome.result === 'failed' ? { ...outcome, postponed: true } : outcome));
      },
    };
  }

  /** Call this after a complete apply, under its lock: a state that needed no trial counts as confirmed. */
  async settled(outcomes: readonly Outcome[]): Promise<void> {
    const { host, decrees, confirm } = this.#options;
    if (outcomes.some(({ result }) => result === 'failed') || (!decrees && this.#isConfirmed())) return;
    if (host.lstat(TRIAL) === null && (decrees || !(await this.#isProvisional()))) await confirm(decrees);
  }

  /** Takes over the trial of a process that has ended. Never throws. */
  async adopt(): Promise<void> {
    if (this.#options.host.lstat(TRIAL) === null) return;
    await (await this.#guard()).adopt().catch(() => {});
  }

  /** The guard if it has a trial to decide; null if nothing was changed, and so nothing was loaded. */
  async begun(): Promise<TrialGuard | null> {
    const guard = await this.#loaded;
    return guard?.trial == null ? null : guard;
  }

  /** Asks the witnesses of a provisional change again (see TrialGuard); null if there is nothing new. */
  async proveAgain(signal: AbortSignal, undone: () => void): Promise<TrialVerdict | null> {
    if (this.#options.host.lstat(PROVISIONAL) === null) return null;
    return (await this.#guard()).proveAgain(signal, undone);
  }

  /** Waits for the decision; null if no trial was begun. */
  async decide(undone: () => void): Promise<TrialVerdict | null> {
    return (await this.begun())?.decide(undone) ?? null;
  }

  #isConfirmed(): boolean {
    const { host, hash, tries } = this.#options;
    if (!tries) return true;
    return confirmedHash(host) === hash;
  }

  /** A change of a configuration that was confirmed before may also have been put back. The next heal is a trial then. */
  async #isPutBack(): Promise<boolean> {
    const { host, hash } = this.#options;
    if (host.lstat(PUT_BACK) === null) return false;
    const { readPutBack } = await import('../../confirm/trial/put-back-memory.ts');
    return readPutBack(host)?.hash === hash;
  }

  async #isProvisional(): Promise<boolean> {
    const { host, hash } = this.#options;
    if (host.lstat(PROVISIONAL) === null) return false;
    const { readProvisional } = await import('../../confirm/trial/provisional.ts');
    return readProvisional(host)?.hash === hash;
  }

  async #isHeldProvisionally(): Promise<boolean> {
    const { host, hash } = this.#options;
    if (host.lstat(PROVISIONAL) === null) return false;
    return (await import('../../confirm/trial/provisional.ts')).isHeldProvisionally(host, hash);
  }

  /** Whether the configuration waits for its wave, also if an earlier process asked. */
  async #isWaiting(): Promise<boolean> {
    const { host, hash } = this.#options;
    if (host.lstat(WAVE) === null) return false;
    return (await import('../../confirm/trial/wave-record.ts')).waitingWave(host, hash) !== null;
  }

  #guard(): Promise<TrialGuard> {
    this.#loaded ??= this.#options.load();
    return this.#loaded;
  }
}
