/** Says who changed an nftables table of ours, by what the kernel tells between two looks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TableFollower } from '../host/netlink/nftables/table-follower.ts';
import { LateFollower } from './late-follower.ts';
import type { Finding } from './resource.ts';

const MOST_NAMED = 4;
/** How often, and after how many milliseconds each, we look for a name that is late. */
const LATE = { times: 5, wait: 10 };

export class TableWitness {
  readonly #follower = new LateFollower<Pick<TableFollower, 'takeNames' | 'close'>>();

  /** Whether the kernel tells of every change. */
  get listens(): boolean {
    return this.#follower.current !== null;
  }

  /** `make` is for tests. The other parameters are those of Resource.follow. */
  follow(changed: () => void, deaf: (why: string) => void, make = loadTableFollower): () => void {
    return this.#follower.follow(async () => {
      const follower = await make();
      return () => follower(changed);
    }, deaf);
  }

  /** The findings of one look at the tables. Those that have drifted name who changed the tables since the last look. */
  async named(look: () => Promise<Finding[]>): Promise<Finding[]> {
    const before = this.#follower.current?.takeNames() ?? [];
    const findings = await look();
    // A change during the look may come too late for it. Its name is then for the next look.
    if (!findings.some(({ state }) => state === 'drifted')) return findings;
    const names = [...new Set([...before, ...(await this.#late(before.length > 0 ? 1 : LATE.times))])];
    const by = names.length === 0 ? null : names.slice(0, MOST_NAMED).join(' or ');
    return findings.map((finding) => (finding.state === 'drifted' ? { ...finding, by } : finding));
  }

  /** The kernel tells the change that a look saw a moment after the tables have it. */
  async #late(times: number): Promise<string[]> {
    for (let left = times; left > 0 && this.#follower.current !== null; left -= 1) {
      const names = this.#follower.current.takeNames();
      if (names.length > 0) return names;
      await sleep(LATE.wait);
    }
    return this.#follower.current?.takeNames() ?? [];
  }
}

async function loadTableFollower(): Promise<(changed: () => void) => Pick<TableFollower, 'takeNames' | 'close'>> {
  const { TableFollower } = await import('../host/netlink/nftables/table-follower.ts');
  return (changed) => new TableFollower(changed);
}
