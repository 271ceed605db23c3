/**
 * A Debian with Debian's own kernel: what containers (test/systems) cannot show, as the kernel is not theirs. It is QEMU without
 * KVM, on a disk that takes no write, without any network. It ends with `close()`, and also when the process that made it
 * dies of whatever.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Suite, unableToMake } from '../parts/lab/debian.ts';
import { Log } from '../parts/lab/log.ts';
import type { RunResult } from '../parts/lab/system.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { AGENT, builtAgent } from '../systems/machine.ts';
import { debianImage } from './image.ts';

const QEMU = 'qemu-system-x86_64';
/** Milliseconds for one command, and to boot: an emulated processor on a machine that has other work. */
const PATIENCE = 900_000;

export interface QemuOptions {
  readonly release: Suite;
  /** Debian packages beside those that every machine has. Each list is a disk of its own: keep to few. */
  readonly packages?: readonly string[];
  /** MiB. */
  readonly memory?: number;
  /** Its clock counts instructions (one a nanosecond, one processor). The load of this machine changes no measurement. */
  readonly counting?: boolean;
}

/** Why no machine can be booted here, as one sentence, or false: fits the `skip` of node:test. */
export function unavailable(): string | false {
  if (process.arch !== 'x64') return 'needs an x64 machine';
  if (spawnSync(QEMU, ['--version']).error) return `needs ${QEMU} (Debian package qemu-system-x86)`;
  if (!existsSync(AGENT)) return `needs ${AGENT}, which npm run build makes`;
  return unableToMake() ?? false;
}

export class QemuMachine implements AsyncDisposable {
  readonly #qemu: ChildProcess;
  /** What the kernel and systemd said. */
  readonly console: Log;
  readonly #port: Duplex;
  readonly #answers: Log;
  #answered = 0;
  /** The end of the last command: one runs at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(qemu: ChildProcess) {
    this.#qemu = qemu;
    this.#port = qemu.stdio[3] as Duplex;
    this.console = new Log(qemu.stdout!);
    this.#answers = new Log(this.#port, PATIENCE);
  }

  /** A machine that has booted: systemd has started each unit, or given it up. */
  static async boot({ release, packages = [], memory = 1024, counting = false }: QemuOptions): Promise<QemuMachine> {
    const { disk, kernel, initrd } = debianImage(release, packages);
    const shares = sharesOf(await builtAgent());
    const folders = shares.flatMap(({ tag, from }) => {
      return ['-virtfs', `local,path=${from},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`];
    });
    const argv = [
      counting ? ['-accel', 'tcg,thread=single', '-icount', 'shift=0'] : ['-accel', 'tcg,thread=multi', '-smp', '2'],
      ['-cpu', 'max', '-m', String(memory), '-no-reboot'],
      ['-display', 'none', '-monitor', 'none', '-nic', 'none', '-device', 'virtio-rng-pci'],
      ['-kernel', kernel, '-initrd', initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet panic=-1'],
      ['-drive', `file=${disk},format=raw,if=virtio,snapshot=on`, ...folders, '-serial', 'stdio'],
      ['-chardev', 'socket,id=channel,fd=3', '-device', 'virtio-serial'],
      ['-device', 'virtserialport,chardev=channel,name=channel'],
    ].flat();
    const machine = new QemuMachine(
      spawn('setpriv', ['--pdeathsig', 'KILL', QEMU, ...argv], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] }),
    );
    try {
      await machine.#booted(shares);
      return machine;
    } catch (error) {
      await machine.close();
      throw new Error(`it did not boot: ${machine.console.lines.slice(-30).join('\n')}`, { cause: error });
    }
  }

  /** Runs a shell script within it, after those before it; any exit status is a result. */
  run(script: string): Promise<RunResult> {
    const result = this.#last.then(async () => {
      this.#port.write(`.${Buffer.from(script).toString('base64')}\n`);
      const index = await this.#answers.indexOf(/^\d+ \./, this.#answered);
      this.#answered = index + 1;
      const [code, ...output] = this.#answers.lines[index]!.split(' ');
      const [stdout, stderr] = output.map((word) => Buffer.from(word.slice(1), 'base64').toString());
      return { code: Number(code), stdout: stdout!, stderr: stderr! };
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Runs a shell script, gives its output, and throws if it fails. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(script);
    if (code !== 0) throw new Error(`exit status ${code} of: ${script}\n${stdout}${stderr}`);
    return stdout;
  }

  async write(file: string, content: string): Promise<void> {
    const text = Buffer.from(content).toString('base64');
    await this.sh(`mkdir -p ${dirname(file)}; echo ${text} | base64 -d >${file}`);
  }

  /** The executable, the units and their generator where their package has them; nothing is started or enabled. */
  async installService(): Promise<void> {
    await this.sh(`install /mnt/executable/${basename(AGENT)} /usr/bin/agent
      cd /mnt/repository/units; install -m 644 *.service *.timer /usr/lib/systemd/system
      install -D holdfast-generator /usr/lib/systemd/system-generators/holdfast-generator
      systemctl daemon-reload`);
  }

  async close(): Promise<void> {
    if (this.#qemu.exitCode !== null || this.#qemu.signalCode !== null) return;
    const gone = once(this.#qemu, 'exit');
    this.#qemu.kill('SIGKILL');
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The first script lies in wait until the service that runs it is there. */
  /** The first script lies in wait until the service that runs it is there. */
  async #booted(shares: readonly Share[]): Promise<void> {
    await this.run('systemctl is-system-running --wait');
    const options = 'ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose';
    for (const { tag, at } of shares) await this.sh(`mkdir -p ${at}; mount -t 9p -o ${options} ${tag} ${at}`);
  }
}

/** A folder of this machine that the guest may read: its 9p name, and its path in the guest. */
interface Share {
  readonly tag: string;
  readonly from: string;
  readonly at: string;
}

function sharesOf(agent: string): Share[] {
  return [
    { tag: 'repository', from: REPOSITORY, at: '/mnt/repository' },
    { tag: 'executable', from: dirname(realpathSync(agent)), at: '/mnt/executable' },
  ];
}
