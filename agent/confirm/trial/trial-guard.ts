/** Tries a change: notes everything first, arms the undo, changes, and keeps the change only if it is confirmed. */
import type { DesiredConfirm } from '../../config/desired-confirm.ts';
import { type Guard, inspectAll } from '../../hold/converge.ts';
import type { ChangeJournal, WayBack } from '../../hold/journal/change-journal.ts';
import { notedResource } from '../../hold/journal/noted-resource.ts';
import { refused } from '../../hold/proof/proof-words.ts';
import type { Outcome, Resource } from '../../hold/resource.ts';
import { markBoot } from '../../host/boot-mark.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import type { WaveAsked, WaveReply } from '../waves/ask-wave.ts';
import type { ConfirmWitness } from '../witnesses/confirm-witness.ts';
import { arm } from './arm.ts';
import { askBefore } from './ask-witnesses.ts';
import { type Concerned, concernedOf, isAsBefore } from './concerned.ts';
import { readConfirmed, writeConfirmed, writeTried } from './confirmed-configuration.ts';
import { cutOffFor, decide } from './decide.ts';
import { endProof } from './end-proof.ts';
import { dropTrial, keepChange, putBackChange, trialJournal } from './end-trial.ts';
import { laterMoments } from './later-moments.ts';
import { proveLater } from './prove-later.ts';
import { isHeldAlready } from './provisional.ts';
import { gatewaysText, readPutBack, standingPutBack, writePutBack } from './put-back-memory.ts';
import { touchesNames, touchesPath } from './touches-path.ts';
import {
  changeId,
  isOfEarlierBoot,
  isOpen,
  isUnderWay,
  readTrial,
  runningSentence,
  secondsLeft,
  type TrialRecord,
  writeTrial,
} from './trial-record.ts';
import { keptVerdict, type TrialVerdict } from './trial-verdict.ts';
import { endWave, noteWave, type WaveRecord, waitsInShort } from './wave-record.ts';

/** Milliseconds after the boot in which the network may still be coming up. */
const BOOTING = 300_000;
const ANYWAY = 'to make the change without a trial: agent apply --no-confirm';

export interface TrialOptions {
  readonly host: Host;
  /** Proves DNS, inside the trial; null if DNS needs no proof. */
  readonly proof: Guard | null;
  /** null: changes are not tried, but a running trial is respected. */
  readonly confirm: DesiredConfirm | null;
  /** The hash of the configuration. */
  readonly hash: string;
  /** The configuration as confirmed-configuration.ts keeps it; null if only a part of it is applied. */
  readonly configuration: string | null;
  /** The configuration that was in force before, in the same form; null if it is not known. */
  readonly earlier: string | null;
  readonly witnesses: () => Promise<readonly ConfirmWitness[]>;
  /** Asks the collector whether the change may be made now; null if no change waits for it. */
  readonly wave: ((asked: WaveAsked) => Promise<WaveReply>) | null;
  /** The command line of this program. */
  readonly agent: readonly string[];
  readonly wayBack: () => Promise<WayBack>;
}

/** A trial whose change was made, and that is not decided yet. */
interface OpenTrial {
  readonly trial: TrialRecord;
  readonly witnesses: readonly ConfirmWitness[];
}

export class TrialGuard {
  private readonly options: TrialOptions;
  private open: OpenTrial | null = null;
  /** The change that waits for its wave, as of the last question; null if none does. */
  waiting: WaveRecord | null = null;

  constructor(options: TrialOptions) {
    this.options = options;
  }

  /** The trial that was begun and is not decided yet; null if there is none. */
  get trial(): TrialRecord | null {
    return this.open?.trial ?? null;
  }

  /** The same as in Guard. LateTrial keeps the rest of that contract, because it is asked before this code is loaded. */
  async around(
    resources: readonly Resource[],
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
  ): Promise<Outcome[]> {
    const { host, confirm, hash } = this.options;
    const running = readTrial(host);
    // Drift that is healed meanwhile is a part of the trial, so that the undo also covers it.
    if (running?.hash === hash && isOpen(host, running)) return this.inside(resources, change, this.journal());
    if (running !== null) return refusedAll(resources, `nothing is changed now: ${runningSentence(running)}`);
    const concerned = confirm === null ? [] : await concernedOf(resources);
    if (confirm === null || concerned.length === 0) return this.inside(resources, change, null);
    // A daemon holds the change on if the configuration on the disk has become unusable since.
    const putBack = await standingPutBack(host, hash);
    if (putBack !== null) return refusedAll(resources, `nothing is changed, because ${putBack.body}; ${ANYWAY}`);
    return this.tried(confirm, concerned, (journal) => this.inside(resources, change, journal), resources);
  }

  /** The changes, under the proof of DNS. With a journal, each is noted before it is made. */
  private inside(
    resources: readonly Resource[],
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
    journal: ChangeJournal | null,
  ): Promise<Outcome[]> {
    const { proof } = this.options;
    const make = (some: readonly Resource[]) =>
      change(journal === null ? some : some.map((resource) => notedResource(resource, journal)));
    return proof === null ? make(resources) : proof.around(resources, make);
  }

  private async tried(
    confirm: DesiredConfirm,
    concerned: readonly Concerned[],
    change: (journal: ChangeJournal) => Promise<Outcome[]>,
    resources: readonly Resource[],
  ): Promise<Outcome[]> {
    const { host } = this.options;
    const findings = concerned.flatMap((one) => one.findings);
    const id = changeId(
      this.options.hash,
      findings.map(({ resource, moment, key, wanted }) => [`${resource} ${moment} ${key}`, wanted]),
    );
    this.waiting = await this.waitsFor(id, confirm);
    if (this.waiting !== null) {
      const { why } = this.waiting;
      return refusedAll(
        resources,
        `nothing is changed yet: this host ${waitsInShort(this.waiting)}: ${why}; ${ANYWAY}`,
      );
    }
    const witnesses = await this.options.witnesses();
    const before = await askBefore(witnesses, id);
    if (!before.some(({ answered }) => answered) && this.isBooting())
      return refusedAll(
        resources,
        `nothing is changed yet: the machine has just booted, and no witness answers; ${ANYWAY}`,
      );
    let trial: TrialRecord;
    try {
      trial = await this.begin(id, confirm, concerned, before);
    } catch (error) {
      dropTrial(host, id);
      return refusedAll(resources, `nothing is changed, because the change cannot be tried: ${errorMessage(error)}`);
    }
    const outcomes = await change(this.journal());
    const isChanged = outcomes.some(({ result, changed }) => result === 'changed' || changed);
    // A change may have failed in its middle.
    const isFailed = outcomes.some(({ result }) => result === 'failed');
    if (!isChanged && (!isFailed || (await isAsBefore(concerned)))) {
      dropTrial(host, id);
      endWave(host, trial, isFailed ? 'put-back' : 'kept');
      return outcomes;
    }
    const changed = { ...trial, changed: sinceBoot(), ...(isFailed ? { failed: true } : {}) };
    writeTrial(host, changed);
    this.open = { trial: changed, witnesses };
    return outcomes;
  }

  /**
   * Asks whether the change may be made now; null if it may. Drift from a configuration that is held already is put right
   * without a question.
   */
  private async waitsFor(change: string, { within, waves }: DesiredConfirm): Promise<WaveRecord | null> {
    const { host, hash, wave } = this.options;
    if (wave === null || waves === null) return null;
    if (isHeldAlready(host, hash)) return null;
    const reply = await wave({ change, configuration: hash, rollout: waves.rollout, within });
    const record = noteWave(host, { change, hash }, reply);
    return reply.go ? null : record;
  }

  /** Whether the network may still be coming up, and the boot applied another configuration, which was confirmed. */
  private isBooting(): boolean {
    const confirmed = sinceBoot() < BOOTING ? readConfirmed(this.options.host) : null;
    return confirmed !== null && confirmed.hash !== this.options.hash;
  }

  /** Writes everything that must be on the disk before the first change. Throws HostError. */
  private async begin(
    id: string,
    { within, by }: DesiredConfirm,
    concerned: readonly Concerned[],
    before: TrialRecord['before'],
  ): Promise<TrialRecord> {
    const { host, hash, agent, configuration, earlier } = this.options;
    const all = concerned.flatMap(({ findings }) => findings);
    const begun = sinceBoot();
    const deadline = begun + within;
    const trial: TrialRecord = {
      ...{ id, hash, resources: concerned.map(({ resource }) => resource.name), by, before, begun, deadline },
      path: touchesPath(all),
      names: touchesNames(all),
      ...{ pid: process.pid, birth: host.birthOf(process.pid), boot: markBoot(host), changed: null },
      gateways: await gatewaysText(),
      ...(isHeldAlready(host, hash) ? { heals: true } : {}),
    };
    arm(host, { id, deadline, within, agent });
    writeTrial(host, trial);
    // After an undo the earlier configuration is the one that was put back.
    const isKept = earlier !== null && readPutBack(host) === null;
    if (isKept && readConfirmed(host) === null) writeConfirmed(host, earlier);
    if (configuration !== null) writeTried(host, configuration);
    const journal = this.journal();
    for (const { resource, findings } of concerned) await journal.noteFindings(resource, findings);
    return trial;
  }

  /**
   * Takes over a trial of this configuration whose process has ended, as with a restart of the daemon. Its witnesses
   * are asked on. Call this after an apply, which makes the rest of a change in whose middle that process ended.
   */
  async adopt(): Promise<void> {
    const { host, hash, witnesses } = this.options;
    await host.exclusively(RUN_FOLDER, async () => {
      const trial = readTrial(host);
      if (this.open !== null || trial === null || trial.hash !== hash) return;
      if (isOfEarlierBoot(host, trial) || isUnderWay(host, trial) || secondsLeft(trial) === 0) return;
      const changed = trial.changed ?? sinceBoot();
      const taken = { ...trial, changed, pid: process.pid, birth: host.birthOf(process.pid) };
      writeTrial(host, taken);
      this.open = { trial: taken, witnesses: await witnesses() };
    });
  }

  /**
   * Waits for the decision about the trial that was begun; null if none was. Call this without the lock. `undone` is
   * called as soon as the change is put back; the verdict then also says how long the host was cut off.
   */
  async decide(undone: () => void = () => {}): Promise<TrialVerdict | null> {
    if (this.open === null) return null;
    const { host, wayBack } = this.options;
    const { trial, witnesses } = this.open;
    const { id } = trial;
    const judgement = await decide(host, trial, witnesses);
    this.open = null;
    const end = async (): Promise<TrialVerdict> => {
      // An operator, or the timer, may have been faster.
      if (judgement === null || readTrial(host)?.id !== id) return this.endedByOther(id);
      const { kind, reason, starved } = judgement;
      if (kind !== 'put-back') {
        keepChange(host, trial, { reason: kind === 'confirmed' ? null : reason, unseen: laterMoments(host) });
        return keptVerdict(id, kind, reason);
      }
      const why = `${after(trial)} ${trial.resources.join(', ')} changed, ${reason}`;
      const { body } = await putBackChange(host, trial, { why, blames: !starved }, wayBack);
      return { id, kind, body };
    };
    const verdict = await host.exclusively(RUN_FOLDER, end);
    if (verdict.kind === 'put-back') undone();
    if (verdict.kind !== 'put-back' || judgement === null) return verdict;
    const body = `${verdict.body}${await cutOffFor(trial, witnesses)}`;
    const memory = readPutBack(host);
    if (memory?.id === id) writePutBack(host, { ...memory, body });
    return { ...verdict, body };
  }

  /**
   * Asks the witnesses of a provisional change again: until they prove it, and after the first lease event and the first
   * boot. null if there is nothing new. `undone` is called as soon as the change is put back.
   */
  async proveAgain(signal: AbortSignal, undone: () => void = () => {}): Promise<TrialVerdict | null> {
    const { host, hash, confirm, witnesses, wayBack } = this.options;
    if (confirm === null || this.open !== null) return null;
    const proof = await proveLater({ ...{ host, hash, witnesses, signal }, within: confirm.within });
    if (proof === null) return null;
    const verdict = await host.exclusively(RUN_FOLDER, () => endProof(host, proof, wayBack));
    if (verdict?.kind === 'put-back') undone();
    return verdict;
  }

  private endedByOther(id: string): TrialVerdict {
    const memory = readPutBack(this.options.host);
    if (memory?.id === id) return { id, kind: 'put-back', body: memory.body };
    return { id, kind: 'confirmed', body: `change ${id} confirmed by hand` };
  }

  private journal(): ChangeJournal {
    return trialJournal(this.options.host, this.options.wayBack);
  }
}

async function refusedAll(resources: readonly Resource[], reason: string): Promise<Outcome[]> {
  return refused(await inspectAll(resources), reason);
}

/** "41 s after". */
function after({ changed, begun }: TrialRecord): string {
  return `${Math.round((sinceBoot() - (changed ?? begun)) / 1000)} s after`;
}
