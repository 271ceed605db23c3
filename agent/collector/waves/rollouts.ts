/**
 * All rollouts. A host is in one rollout at a time, so there are never more members, nor rollouts, than hosts. Admitted
 * hosts and their rollouts are on the disk; waiting hosts ask again.
 */
import { UNNAMED_ROLLOUT } from '../../config/notation/rollout-name.ts';
import type { WaveQuestion, WaveStanding } from '../../confirm/wire/wave-talk.ts';
import { holds, isAgainst, isUndone, type Member, type MemberStanding, Rollout, type Stop } from './rollout.ts';
import { deadlineOf, isDeserted, isJustAdmitted, isOld, isQuiet, isTired } from './rollout-times.ts';
import { barInWords, presentWaveInWords, stopInWords } from './rollout-words.ts';
import { type RolloutChanges, UnsavedRollouts } from './unsaved-rollouts.ts';
import { type WaveSize, waveLimit } from './wave-sizes.ts';

export interface RolloutsOptions {
  readonly sizes: readonly WaveSize[];
  /** The rollout stops when so many of its changes were put back. */
  readonly stopAfter: number;
  /** How many hosts the collector knows. */
  readonly known: () => number;
  /** The host's name for people; null if the collector no longer knows it. */
  readonly nameOf: (host: string) => string | null;
  /** When the host's last heartbeat came. */
  readonly beaten: (host: string) => number;
  /** Stores all or nothing. Throws if it cannot. */
  readonly save: (changes: RolloutChanges) => void;
  /** Called when a rollout stops. `host`: whose result stopped it; null if an operator did. */
  readonly stopped: (rollout: Rollout, host: string | null) => void;
}

export interface Admission {
  readonly rollout: Rollout;
  readonly go: boolean;
  /** '' if the host goes. */
  readonly why: string;
}

const NOT_STORED = 'the collector can store nothing at present';
const JUST_NOW = 'this host was admitted with another change just now';

export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #rollouts = new Map<string, Rollout>();
  readonly #members = new Map<string, Member>();
  /** Unnamed rollouts that bar the beginning of others: their first host is under way, or they were stopped. */
  readonly #barring = new Set<Rollout>();
  /** Admitted hosts without a result. */
  readonly #underWay = new Set<Member>();
  /** Since when the collector listens. No host is lost because the collector did not listen. */
  #listens: number;
  readonly #unsaved: UnsavedRollouts;

  constructor(options: RolloutsOptions, now: number) {
    this.#options = options;
    this.#listens = now;
    this.#unsaved = new UnsavedRollouts(this.#members, options.save);
  }

  /** Takes a stored rollout. */
  restore(rollout: Rollout): void {
    this.#rollouts.set(rollout.id, rollout);
    this.#unsaved.storedRollout(rollout.id);
    this.#settle(rollout);
  }

  /** Takes a stored member of a restored rollout. */
  restoreMember(id: string, member: Omit<Member, 'rollout'>): void {
    const rollout = this.#rollouts.get(id);
    if (rollout === undefined || this.#members.has(member.host)) return;
    this.#unsaved.storedHost(member.host);
    this.#put({ ...member, rollout });
  }

  /** All, the one that changed last at the end. */
  get all(): Iterable<Rollout> {
    return this.#rollouts.values();
  }

  find(id: string): Rollout | undefined {
    return this.#rollouts.get(id);
  }

  /** Answers a host that the fleet knows by `host`. A host that asks again gets the same answer. */
  ask(host: string, question: Omit<WaveQuestion, 'nonce' | 'host'>, now: number): Admission {
    const { configuration, change, within, rollout: name } = question;
    const id = name ?? `${UNNAMED_ROLLOUT}${configuration.slice(0, 12)}`;
    let member = this.#members.get(host);
    if (member !== undefined && member.rollout.id !== id) {
      if (member.standing !== 'waiting' && isJustAdmitted(member, now))
        return { rollout: member.rollout, go: false, why: JUST_NOW };
      this.#leave(member);
      member = undefined;
    }
    const rollout = this.#rollouts.get(id) ?? this.#begin(id, name !== null, now);
    if (this.#isOver(rollout, member, configuration, now)) {
      this.#beginAnew(rollout, now);
      member = this.#members.get(host);
    }
    const asked = { configuration, change, within };
    const wait = (why: string): Admission => ({ rollout, go: false, why });
    // A host that goes must be known after a restart.
    const go = () => (this.#unsaved.save() ? { rollout, go: true, why: '' } : wait(NOT_STORED));
    if (member === undefined)
      member = this.#put({ host, rollout, ...asked, standing: 'waiting', since: now, excused: false });
    // The answer was lost, or a boot replaced a change that was not proved. A host that asks does not have the change, so a stop
    // holds for it as well.
    else if ((member.standing === 'admitted' || member.standing === 'provisional') && rollout.stop !== null)
      member = this.#replace(member, { standing: 'waiting' });
    const isAdmitted = member.standing !== 'waiting' && !isUndone(member.standing);
    if (isAdmitted && member.change === change) return go();
    const why = isAdmitted && isJustAdmitted(member, now) ? JUST_NOW : this.#whyWait(rollout, member, now);
    if (why !== '') {
      if (member.standing === 'waiting') this.#replace(member, { ...asked, since: now });
      this.#unsaved.save();
      return wait(why);
    }
    rollout.admittedAt = now;
    this.#touch(rollout, now);
    this.#replace(member, { ...asked, standing: 'admitted', since: now, excused: false });
    return go();
  }

  /** Takes the standing that a host reports of its last change. */
  heard(
    host: string,
    told: { readonly rollout: string; readonly change: string; readonly standing: WaveStanding },
    now: number,
  ): void {
    const member = this.#members.get(host);
    if (member === undefined || member.standing === 'waiting') return;
    const { rollout, change } = member;
    const { standing } = told;
    if (rollout.id !== told.rollout || change !== told.change || standing === member.standing) return;
    if (standing === 'waiting' || standing === 'admitted') return;
    // A confirmed change that is provisional later does not show that the change was bad.
    if (member.standing === 'confirmed' && standing !== 'put-back') return;
    const beaten = this.#options.beaten(host);
    // The host was put back at an earlier try of the same change, and has told nothing since.
    if (standing === 'put-back' && beaten < member.since) return;
    // The host told it before it was lost.
    if (member.standing === 'lost' && isQuiet(beaten, now)) return;
    this.#result(member, standing, now);
  }

  /** Looks for hosts whose results never came, and saves changes. `isDeaf`: the collector takes no heartbeats now. */
  look(now: number, isDeaf: boolean): void {
    if (isDeaf) this.#listens = now;
    for (const member of this.#underWay) {
      if (this.#options.nameOf(member.host) === null) this.#leave(member);
      else if (now > deadlineOf(member, this.#options.beaten(member.host), this.#listens))
        this.#result(member, 'lost', now);
    }
    this.#unsaved.save();
  }

  /** Drops members whose host is forgotten or no longer asks, and rollouts that nobody is in. */
  tidy(now: number): void {
    for (const member of [...this.#members.values()])
      if (this.#options.nameOf(member.host) === null || isTired(member, now)) this.#leave(member);
    for (const rollout of this.#rollouts.values()) if (isDeserted(rollout, now)) this.#end(rollout);
    this.#unsaved.save();
  }

  /** An operator stops the rollout. */
  stop(rollout: Rollout, now: number): void {
    if (rollout.stop?.byOperator) return;
    this.#stop(rollout, { why: 'an operator stopped it', since: now, byOperator: true }, null, now);
    this.#unsaved.save();
  }

  /** An operator lets the rollout go on. Hosts that are put back, lost or provisional by now no longer hold it up. */
  goOn(rollout: Rollout, now: number): void {
    rollout.stop = null;
    for (const member of [...rollout.members])
      if (member.standing !== 'admitted' && (holds(member) || isAgainst(member)))
        this.#replace(member, { excused: true });
    this.#touch(rollout, now);
    this.#unsaved.save();
  }

  /** Adjusts the times after our own clock was set by so many milliseconds. */
  shift(by: number): void {
    this.#listens += by;
    for (const member of [...this.#members.values()]) this.#replace(member, { since: member.since + by });
    for (const rollout of this.#rollouts.values()) {
      for (const time of ['begun', 'admittedAt', 'touched'] as const) if (rollout[time] > 0) rollout[time] += by;
    }
  }

  /** How many hosts may be admitted in the present wave; null if all. */
  limit({ wave }: Rollout): number | null {
    const limit = waveLimit(this.#options.sizes, wave, this.#options.known());
    return Number.isFinite(limit) ? limit : null;
  }

  /** Why a host that waits cannot be admitted now; '' if it can. Begins the next wave if the present one is complete. */
  #whyWait(rollout: Rollout, { standing }: Member, now: number): string {
    if (rollout.stop !== null) return `the rollout was stopped: ${rollout.stop.why}`;
    // A change that was put back is tried again within the wave in which it was admitted.
    if (standing !== 'waiting') return '';
    const { sizes, known } = this.#options;
    const hosts = known();
    while (
      rollout.holding === 0 &&
      rollout.wave < sizes.length - 1 &&
      rollout.admitted >= waveLimit(sizes, rollout.wave, hosts)
    ) {
      rollout.wave += 1;
      this.#settle(rollout);
    }
    if (!rollout.named && rollout.admitted === 0) {
      const other = [...this.#barring].find((one) => !isOld(one, now));
      if (other !== undefined) return barInWords(other);
    }
    return rollout.admitted < waveLimit(sizes, rollout.wave, hosts) ? '' : presentWaveInWords(rollout, sizes);
  }

  /**
   * Whether the question is about another change than the rollout was. Only the host that was put back can bring the
   * cure of a stopped one.
   */
  #isOver(rollout: Rollout, member: Member | undefined, configuration: string, now: number): boolean {
    const isOther = member !== undefined && member.standing !== 'waiting' && member.configuration !== configuration;
    if (rollout.stop !== null) return isOther && isAgainst(member);
    if (isOther) return true;
    return rollout.admittedAt > 0 && rollout.holding === 0 && isOld(rollout, now);
  }

  #begin(id: string, named: boolean, now: number): Rollout {
    const rollout = new Rollout(id, named, now);
    this.#rollouts.set(id, rollout);
    this.#unsaved.begun(id);
    return rollout;
  }

  /** The hosts that wait go on waiting. Only an operator ends the stop of an operator. */
  #beginAnew(rollout: Rollout, now: number): void {
    for (const member of [...rollout.members]) if (member.standing !== 'waiting') this.#drop(member);
    rollout.wave = 0;
    rollout.begun = now;
    rollout.admittedAt = 0;
    if (rollout.stop?.byOperator !== true) rollout.stop = null;
    this.#touch(rollout, now);
  }

  #result(member: Member, standing: MemberStanding, now: number): void {
    const { rollout, host } = member;
    this.#replace(member, { standing, excused: false });
    this.#touch(rollout, now);
    const { stopAfter, nameOf } = this.#options;
    if (rollout.stop !== null || rollout.against < stopAfter || isOld(rollout, now)) return;
    this.#stop(rollout, { why: stopInWords(rollout, nameOf), since: now, byOperator: false }, host, now);
  }

  #stop(rollout: Rollout, stop: Stop, host: string | null, now: number): void {
    rollout.stop = stop;
    this.#touch(rollout, now);
    this.#options.stopped(rollout, host);
  }

  #put(member: Member): Member {
    this.#members.set(member.host, member);
    member.rollout.add(member);
    if (holds(member)) this.#underWay.add(member);
    this.#settle(member.rollout);
    return member;
  }

  #replace(member: Member, change: Partial<Member>): Member {
    member.rollout.remove(member);
    this.#underWay.delete(member);
    this.#unsaved.changedHost(member.host);
    return this.#put({ ...member, ...change });
  }

  #drop(member: Member): void {
    member.rollout.remove(member);
    this.#underWay.delete(member);
    this.#members.delete(member.host);
    this.#unsaved.changedHost(member.host);
    this.#settle(member.rollout);
  }

  /** The host is in no rollout any more. A rollout that nobody is in is over. */
  #leave(member: Member): void {
    this.#drop(member);
    if (member.rollout.members.size === 0) this.#end(member.rollout);
  }

  #end(rollout: Rollout): void {
    this.#rollouts.delete(rollout.id);
    this.#barring.delete(rollout);
    this.#unsaved.ended(rollout);
  }

  #touch(rollout: Rollout, now: number): void {
    rollout.touched = now;
    this.#rollouts.delete(rollout.id);
    this.#rollouts.set(rollout.id, rollout);
    this.#unsaved.changed(rollout);
    this.#settle(rollout);
  }

  #settle(rollout: Rollout): void {
    const isFirst = rollout.wave === 0 && rollout.holding > 0;
    const isBarring = !rollout.named && (isFirst || (rollout.stop !== null && rollout.against > 0));
    if (isBarring) this.#barring.add(rollout);
    else this.#barring.delete(rollout);
  }
}
