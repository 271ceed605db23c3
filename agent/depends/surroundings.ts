/** What the sources look at, read once for all of them: the host, its programs, and the resolv.conf that each sees. */
import type { IpAddress } from '../address/accepted.ts';
import type { LeaseProgram } from '../clients/client.ts';
import { errorMessage, HostError } from '../host/errors.ts';
import { type ForeignFile, ForeignTree } from '../host/files/foreign-tree.ts';
import type { Host } from '../host/host.ts';
import { seesOurEtc } from '../host/process/processes.ts';
import type { Program } from '../host/process/programs.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';

/** Bytes. glibc reads a few lines. */
const LARGEST = 64 * 1024;

/** The most processes whose mounts are read to understand those of one chroot. */
const MOST_RELATIVES = 8;

/** The programs that see the same resolv.conf. */
export interface ProcessTree {
  /** By pid; at least one. */
  readonly programs: readonly Program[];
  /** Whether its resolv.conf is the very file that this process reads. */
  readonly isOurs: boolean;
  /** Its resolv.conf; null if there is none, or it is in `unseen`. */
  readonly resolvConf: ForeignFile | null;
  /** Why its resolv.conf could not be read; null if it could. */
  readonly unseen: string | null;
}

/** The name servers that Holdfast puts in place of those that a lease of this client offers; null if it holds none. */
export type LeaseHolding = (client: LeaseProgram) => Promise<readonly string[] | null>;

export interface HeldByHoldfast {
  readonly holding: LeaseHolding;
  /** The name servers of resolv.conf before the first apply; empty if unknown. */
  readonly originals: readonly IpAddress[];
}

export class Surroundings {
  readonly host: Host;
  readonly holding: LeaseHolding;
  readonly originals: readonly IpAddress[];
  #programs: readonly Program[] | null = null;
  #trees: readonly ProcessTree[] | null = null;

  constructor(host: Host, { holding, originals }: HeldByHoldfast) {
    this.host = host;
    this.holding = holding;
    this.originals = originals;
  }

  /** Empty if the running kernel does not belong to the host's files. */
  programs(): readonly Program[] {
    this.#programs ??= this.host.programs();
    return this.#programs;
  }

  /** One for each resolv.conf that the programs of any mount namespace and root folder see. */
  trees(): readonly ProcessTree[] {
    this.#trees ??= this.#group();
    return this.#trees;
  }

  /** The tree of a program; null if it cannot be seen. */
  treeOf(program: Program): ProcessTree | null {
    return this.trees().find(({ programs }) => programs.some(({ pid }) => pid === program.pid)) ?? null;
  }

  /** Whether the program sees the files of this host, apart from single files that are mounted over them. */
  isOwnTree({ pid }: Program): boolean {
    return seesOurEtc(pid);
  }

  /** The files that a program sees. Throws HostError if it has ended, or is not visible. */
  filesOf({ pid, tree, mounts }: Program): ForeignTree {
    const relatives = this.programs().filter((one) => mounts !== null && one.mounts === mounts && one.tree !== tree);
    const trees = new Map(relatives.map((one) => [one.tree, one.pid]));
    return new ForeignTree(pid, [...trees.values()].slice(0, MOST_RELATIVES));
  }

  #group(): ProcessTree[] {
    const groups = new Map<string, Program[]>();
    for (const program of this.programs()) {
      if (program.tree === null) continue;
      const group = groups.get(program.tree);
      if (group === undefined) groups.set(program.tree, [program]);
      else group.push(program);
    }
    const ours = this.host.stat(RESOLV_CONF);
    const trees = new Map<string, ProcessTree>();
    for (const programs of groups.values()) {
      const { file, unseen } = this.#resolvConfOf(programs);
      // All of them ended meanwhile.
      if (file === 'gone') continue;
      const isOurs = file !== null && ours !== null && file.stats.dev === ours.dev && file.stats.ino === ours.ino;
      // systemd gives each of its services a mount namespace, in which most files are the same.
      const key = file === null ? `${programs[0]?.tree}` : `${file.stats.dev} ${file.stats.ino}`;
      const same = trees.get(key)?.programs ?? [];
      trees.set(key, { programs: [...same, ...programs], isOurs, resolvConf: file, unseen });
    }
    return [...trees.values()];
  }

  /** Asks one program of the group, or the next one if that has ended. */
  #resolvConfOf(programs: readonly Program[]): { file: ForeignFile | null | 'gone'; unseen: string | null } {
    for (const one of programs) {
      try {
        return { file: this.filesOf(one).read(RESOLV_CONF, LARGEST), unseen: null };
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        if (this.host.isRunning({ ...one, arguments: [] })) return { file: null, unseen: errorMessage(error) };
      }
    }
    return { file: 'gone', unseen: null };
  }
}
