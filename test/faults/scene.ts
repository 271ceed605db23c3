/** Runs of the agent on a host of its own, in memory: live, with its own /etc, /run, /var/lib and network namespace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { agentCommand } from '../parts/agent-command.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { fill, missing, noNamespaces, scratch } from '../parts/scratch.ts';

export const skip = noNamespaces('strace', 'dhclient') || missing('strace', 'flock');

/** The system calls by which a file or folder is made, changed, put in place, made safe or taken away. */
export const WRITING = [
  ...['write', 'writev', 'pwrite64', 'ftruncate', 'fsync', 'fdatasync', 'rename', 'renameat', 'renameat2'],
  ...['unlink', 'unlinkat', 'mkdir', 'mkdirat', 'symlink', 'symlinkat', 'fchmod', 'fchown'],
];

/** Kills at the nth of these calls. Without -f: the agent's own thread does all its writing; what it starts lives on. */
export const kill = (call: string, n: number) =>
  `strace -qqq -o /dev/null -e trace=?${call} -e inject=?${call}:signal=KILL:when=${n}`;
/** `npm run faults` kills at each call. `npm test` has less time, and leaves two of three out where there are hundreds. */
export const STEP = process.env.FAULTS === 'every' ? 1 : 3;
/** The exit status of a command that was killed. */
export const KILLED = 128 + 9;

export const CONFIGURATION = `
dns:
  domain: example.com
  search: [dev.example.com, example.com]
  nameservers: [10.34.56.78, 10.34.56.79]
  sortlist: [10.72.52.100/32, 10.72.0.0/255.255.0.0]
  options: [timeout:1, rotate]
dhclient:
  supersede: { ntp-servers: [10.34.56.80] }
  request: { without: [routers] }
sysctl:
  net.ipv4.ip_forward: 1
  net.ipv4.conf.default.send_redirects: 0
`;

export const ETC: Record<string, string> = {
  'holdfast/agent.yaml': CONFIGURATION,
  'resolv.conf': '# by hand\nnameserver 9.9.9.9\nsearch old.example\n',
  'dhcp/dhclient.conf': 'timeout 60;\nrequest subnet-mask, routers;\nsupersede domain-name-servers 9.9.9.9;\n# end\n',
  'dhcp/dhclient-enter-hooks.d/debug': ':\n',
  'dhcp/dhclient-exit-hooks.d/debug': ':\n',
  'sysctl.d/10-theirs.conf': 'net.ipv4.ip_forward = 0\n',
};

const AGENT = agentCommand();

/**
 * Steps that fill a file system in memory, after they made it `room` KiB larger than what is in it. The limit comes first and
 * has to be there: else the machine's whole memory would be filled.
 */
export function fillDisk(folder: string, room: number): string {
  const used = `$(df -k --output=used ${folder} | tail -1)`;
  return `mount -o remount,size=$((${used} + ${room} + 4))k ${folder} && { cat /dev/zero >${folder}/zero 2>/dev/null || :; }`;
}

/** The state that `look` kept. */
export interface Look {
  /** The files below /etc except the configuration: path to text and mode. */
  readonly files: Record<string, string>;
  readonly temporaries: string[];
  readonly sysctls: string;
}

export class Scene {
  readonly folder: string;

  /** A host with that /etc, and the steps (sh, see scene.sh) that are taken there. */
  constructor(t: TestContext, steps: string, etc: Record<string, string> = ETC) {
    this.folder = scratch(t, { steps, agent: `#!/bin/sh\nexec ${AGENT} "$@"\n` });
    fill(join(this.folder, 'etc'), etc);
  }

  async run(): Promise<this> {
    const command = `chmod 755 agent etc && exec unshare --mount --net sh ${REPOSITORY}/test/faults/scene.sh .`;
    const child = spawn('sh', ['-c', command], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    if (status !== 0) throw new Error(`the scene itself failed with ${status}: ${said}`);
    return this;
  }

  status(name: string): number {
    return Number(readFileSync(join(this.folder, `${name}.status`), 'utf8'));
  }

  output(name: string): string {
    return readFileSync(join(this.folder, `${name}.output`), 'utf8');
  }

  /** The text that a step has written into a file. */
  text(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  look(name: string): Look {
    const folder = join(this.folder, name);
    const etc = join(folder, 'etc');
    const files: Record<string, string> = {};
    for (const entry of readdirSync(etc, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || entry.name === 'agent.yaml' || entry.name.endsWith('.holdfast')) continue;
      files[path.slice(etc.length)] = `${(statSync(path).mode & 0o7777).toString(8)}\n${readFileSync(path, 'latin1')}`;
    }
    const temporaries = readFileSync(join(folder, 'temporaries'), 'utf8').split('\n').filter(Boolean);
    return { files, temporaries, sysctls: readFileSync(join(folder, 'sysctls'), 'utf8') };
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }
}

/**
 * Calls `work` with each of these system calls and 1, 2, 3 … until it says that there was no such call any more. With a step
 * of 3 it is 1, 4, 7 …. Gives the number of those that were hit.
 */
export async function forEachCall(
  names: readonly string[],
  work: (call: string, n: number) => Promise<'hit' | 'missed'>,
  step = 1,
): Promise<number> {
  const calls = names.map((call) => ({ call, next: 1, done: false }));
  let hits = 0;
  await twoAtATime(function* () {
    for (let turn = calls.find(({ done }) => !done); turn !== undefined; turn = calls.find(({ done }) => !done)) {
      const { call, next } = turn;
      turn.next += step;
      yield async () => {
        if ((await work(call, next)) === 'missed') calls.find((other) => other.call === call)!.done = true;
        else hits += 1;
      };
    }
  });
  return hits;
}

/** Two cores are kept busy; the jobs are made when their turn comes. */
export async function twoAtATime(jobs: () => Iterable<() => Promise<void>>): Promise<void> {
  const queue = jobs()[Symbol.iterator]();
  const worker = async () => {
    for (let turn = queue.next(); !turn.done; turn = queue.next()) await turn.value();
  };
  await Promise.all([worker(), worker()]);
}
