/** Changes of the rollouts since they were stored last. Changes that cannot be stored stay, and are tried again. */
import type { Member, Rollout } from './rollout.ts';

/** Changes to store. */
export interface RolloutChanges {
  readonly rollouts: Iterable<Rollout>;
  /** Ids of rollouts that are over. */
  readonly ended: Iterable<string>;
  readonly members: Iterable<Member>;
  /** Keys of hosts that are in no rollout now, or only wait. */
  readonly left: Iterable<string>;
}

export class UnsavedRollouts {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #save: (changes: RolloutChanges) => void;
  /** Ids of rollouts, and keys of hosts, that are on the disk. */
  readonly #stored = { rollouts: new Set<string>(), hosts: new Set<string>() };
  readonly #unsaved = { rollouts: new Set<Rollout>(), ended: new Set<string>(), hosts: new Set<string>() };

  /** `members`: the present members by their hosts. `save` stores all or nothing. It throws if it cannot. */
  constructor(members: ReadonlyMap<string, Member>, save: (changes: RolloutChanges) => void) {
    this.#members = members;
    this.#save = save;
  }

  /** Notes a rollout that is on the disk. */
  storedRollout(id: string): void {
    this.#stored.rollouts.add(id);
  }

  /** Notes a host that is on the disk. */
  storedHost(host: string): void {
    this.#stored.hosts.add(host);
  }

  begun(id: string): void {
    this.#unsaved.ended.delete(id);
  }

  changed(rollout: Rollout): void {
    this.#unsaved.rollouts.add(rollout);
  }

  ended(rollout: Rollout): void {
    this.#unsaved.rollouts.delete(rollout);
    this.#unsaved.ended.add(rollout.id);
  }

  changedHost(host: string): void {
    this.#unsaved.hosts.add(host);
  }

  /** Returns whether everything is on the disk. */
  save(): boolean {
    const { rollouts, ended, hosts } = this.#unsaved;
    const stored = this.#stored;
    const now = [...hosts].flatMap((host) => this.#members.get(host) ?? []);
    const members = now.filter(({ standing }) => standing !== 'waiting');
    const kept = new Set(members.map(({ host }) => host));
    const left = [...hosts].filter((host) => !kept.has(host) && stored.hosts.has(host));
    const gone = [...ended].filter((id) => stored.rollouts.has(id));
    try {
      if (rollouts.size + members.length + left.length + gone.length > 0)
        this.#save({ rollouts, ended: gone, members, left });
    } catch {
      return false;
    }
    for (const { id } of rollouts) stored.rollouts.add(id);
    for (const host of kept) stored.hosts.add(host);
    for (const id of gone) stored.rollouts.delete(id);
    for (const host of left) stored.hosts.delete(host);
    for (const each of [rollouts, ended, hosts]) each.clear();
    return true;
  }
}
