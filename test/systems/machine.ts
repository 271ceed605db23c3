/**
 * A Debian that really boots: systemd as process 1, services, journal, what its packages start. It is systemd-nspawn in a
 * throw-away host (test/parts/lab/host.ts), on a file system in memory above a tree that is made once. Its one wire, `eth0`, leads to
 * `srv0` of the throw-away host's `server`, where a DHCP server waits. It ends with `close()`, and also when the process
 * that made it dies of whatever.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isCurrent } from '../../packaging/build.ts';
import { type AnySuite, debianSystem, nextRelease, type Suite, unableToMake } from '../parts/lab/debian.ts';
import { connect, type DhcpOptions, type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable as noLab } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { LabSystem, type RunOptions } from '../parts/lab/system.ts';
import { REPOSITORY } from '../parts/repository.ts';

/** What every machine has beside a minimal Debian. */
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'iputils-ping',
  'procps',
  'ifupdown',
  'isc-dhcp-client',
];
/** Debian's own `auto eth0` of an installation with one wire. */
const INTERFACES = 'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n';
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
};
const ROOT = '/run/machine/root';
const BOOT_MS = 120_000;

export interface MachineOptions {
  readonly release: AnySuite;
  /** Debian packages beside those that every machine has. Each list is a tree of its own: keep to few. */
  readonly packages?: readonly string[];
  /** The release to which `apt-get --no-download dist-upgrade` upgrades it. */
  readonly next?: Suite;
  /** Files that are there before it boots first. /etc/network/interfaces has `eth0` by DHCP unless it is among them. */
  readonly files?: Readonly<Record<string, string>>;
  /** A shell script that runs in the system before it boots first, as an installer's would: `systemctl enable …`. */
  readonly setup?: string;
  /** What the DHCP server on its wire offers; null: none serves. */
  readonly dhcp?: DhcpOptions | null;
  /** The steps that make the booted machine ready for its test. If they fail, the machine is closed. */
  readonly ready?: (machine: Machine) => Promise<unknown>;
}

/** The first step of most tests. */
export const withAgent = (machine: Machine) => machine.installAgent();

/** What `npm run build` makes for this machine's architecture. */
export const AGENT =
  process.env.HOLDFAST_AGENT ?? join(REPOSITORY, process.arch === 'arm64' ? 'dist/agent-arm64' : 'dist/agent');
let current: Promise<boolean> | undefined;

/** The path of the built executable. Throws if it was built from other sources: the test would test another program. */
export async function builtAgent(): Promise<string> {
  current ??= process.env.HOLDFAST_AGENT !== undefined ? Promise.resolve(true) : isCurrent(AGENT);
  if (!(await current)) throw new Error(`${AGENT} is not made of these sources: npm run build`);
  return AGENT;
}

/** Why no machine can be booted here, as one sentence, or false: fits the `skip` of node:test. */
export function unavailable(): string | false {
  if (spawnSync('systemd-nspawn', ['--version']).error)
    return 'needs systemd-nspawn (Debian package systemd-container)';
  if (!existsSync(AGENT)) return `needs ${AGENT}, which npm run build makes`;
  return noLab() || (unableToMake() ?? false);
}

export class Machine extends LabSystem {
  /** The throw-away host around it: servers run there (`{ where: 'server' }`), and pings from the far side start there. */
  readonly outside: LabHost;
  /** Null if none was wanted. */
  readonly server: DhcpServer | null;
  readonly #group: ControlGroup;
  /** What nsenter(1) runs within it. */
  readonly #inside = new Set<ChildProcess>();
  #booted!: { readonly nspawn: ChildProcess; readonly console: Log; readonly leader: number };

  private constructor(outside: LabHost, server: DhcpServer | null, group: ControlGroup) {
    super();
    this.outside = outside;
    this.server = server;
    this.#group = group;
  }

  /** A machine that has booted: systemd has started all that it was to start, or given it up. */
  static async boot({
    release,
    packages = [],
    next,
    files = {},
    setup,
    dhcp = {},
    ready,
  }: MachineOptions): Promise<Machine> {
    // Debian no longer has dhclient after 13.
    const all = [...PACKAGES, ...packages].filter((name) => release !== 'sid' || name !== 'isc-dhcp-client');
    const tree = debianSystem(release, all);
    const layers = next === undefined ? tree : `${nextRelease(release, all, next)}:${tree}`;
    const group = await ControlGroup.create();
    const outside = await LabHost.create({ interfaces: 0 }).catch(async (error: unknown) => {
      await group.close();
      throw error;
    });
    try {
      // A switch, so that the server's end stays where it is while the machine is off.
      await outside.sh('ip link add srv0 address 02:00:00:00:00:01 type bridge', { where: 'server' });
      await connect(outside);
      const server = dhcp === null ? null : await startDhcpServer(outside, dhcp);
      await outside.sh(`mkdir /run/machine; mount -t tmpfs -o mode=755 machine /run/machine; cd /run/machine
        mkdir upper work root; mount -t overlay -o lowerdir=${layers},upperdir=upper,workdir=work machine root
        : >root/etc/machine-id; echo machine >root/etc/hostname
        [ -L root/etc/resolv.conf ] || : >root/etc/resolv.conf # debootstrap left this machine's there`);
      for (const [file, text] of Object.entries({ '/etc/network/interfaces': INTERFACES, ...files })) {
        await outside.write(`${ROOT}${file}`, text);
      }
      if (setup !== undefined) await outside.sh(`chroot ${ROOT} sh -euc "$SETUP"`, { env: { SETUP: setup } });
      const machine = new Machine(outside, server, group);
      await machine.#start();
      await ready?.(machine);
      return machine;
    } catch (error) {
      await outside.close();
      await group.close();
      throw error;
    }
  }

  /** Within it; `{ where: 'server' }`: on the far side of its wire. */
  spawn(argv: readonly string[], options: RunOptions = {}): ChildProcess {
    if (options.where === 'server') return this.outside.spawn(argv, options);
    const child = this.outside.spawn(this.commandLine(argv, options.env));
    this.#inside.add(child);
    child.once('exit', () => this.#inside.delete(child));
    return child;
  }

  /** The command by which `outside` runs a program within it, for a program in between such as strace. */
  commandLine(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
    const environment = Object.entries({ ...ENVIRONMENT, ...env }).map(([name, value]) => `${name}=${value}`);
    return ['nsenter', '-t', String(this.#booted.leader), '-a', '--', 'env', '-i', ...environment, ...argv];
  }

  path(file: string): string {
    return this.outside.path(`/proc/${this.#booted.leader}/root${file}`);
  }

  /** Puts the built executable where its package has it. */
  async installAgent(): Promise<void> {
    await this.copy(await builtAgent(), '/usr/bin/agent');
  }

  /** Copies a file of this machine into it. */
  async copy(from: string, to: string, mode = 0o755): Promise<void> {
    await this.write(to, await readFile(from), mode);
  }

  /** Waits until the client has `count` more leases than now. It asks for the next one when it is done with the last. */
  async leased(count = 1, { log }: DhcpServer = this.server!): Promise<void> {
    let from = log.lines.length;
    for (let n = 0; n <= count; n++) from = (await log.indexOf(/^DHCPACK/, from)) + 1;
  }

  /** The journal of a unit since this boot, or all of it. */
  journal(unit?: string): Promise<string> {
    return this.sh(`journalctl --boot --no-pager -o short-monotonic ${unit === undefined ? '' : `--unit=${unit}`}`);
  }

  /** Shuts down in order and boots again, with the same files: /run, addresses and routes are gone. */
  async reboot(): Promise<void> {
    await this.powerOff();
    await this.#start();
  }

  /** Shuts down in order; its files stay, and `reboot` boots it. */
  async powerOff(): Promise<void> {
    const { nspawn } = this.#booted;
    if (nspawn.exitCode === null) {
      const gone = once(nspawn, 'exit');
      await this.run(['systemctl', 'poweroff']);
      await this.#goOn(gone);
    }
    // The wire first: a network's own end comes later, and takes its end of the wire along only then.
    await this.outside.sh('ip -n server link del port0; ip netns del machine');
  }

  /** All of its processes end at once, as at a power cut that loses nothing of what was written; `reboot` boots it. */
  async pullPlug(): Promise<void> {
    const { nspawn, leader } = this.#booted;
    const gone = once(nspawn, 'exit');
    await this.outside.sh(`kill -KILL ${leader}`);
    await gone;
  }

  async close(): Promise<void> {
    await this.outside.close();
    await this.#group.close();
  }

  /**
   * At its end systemd stops all processes for a moment, and nsenter(1) stops itself where what it runs is stopped: then it
   * never sees that end, for which the kernel waits before it lets go of the machine.
   */
  async #goOn(gone: Promise<unknown>): Promise<void> {
    const timer = setInterval(() => {
      for (const child of this.#inside) child.kill('SIGCONT');
    }, 200);
    try {
      await gone;
    } finally {
      clearInterval(timer);
    }
  }

  async #start(): Promise<void> {
    const { outside } = this;
    await outside.sh(`ip netns add machine
      ip link add eth0 netns machine address 02:00:00:00:00:02 type veth peer name port0 netns server
      ip -n server link set port0 master srv0 up`);
    const modules = realpathSync(join(REPOSITORY, 'node_modules'));
    const script = join(import.meta.dirname, 'nspawn.sh');
    const nspawn = outside.spawn(['sh', script, this.#group.name, ROOT, REPOSITORY, modules]);
    const console = new Log(nspawn.stdout!);
    const pid = Number(await console.until(/^\d+$/));
    const leader = await this.#booting(nspawn, console, pid);
    this.#booted = { nspawn, console, leader };
  }

  /** Waits until systemd has finished the boot. Returns the id of its process 1, in `outside`. */
  async #booting(nspawn: ChildProcess, console: Log, pid: number): Promise<number> {
    // The only child of nspawn that is process 1 of its own namespace; a command in it fails until systemd listens.
    const ask = `for child in $(cat /proc/${pid}/task/${pid}/children); do
        set -- $(grep NSpid: /proc/$child/status)
        [ "$3" = 1 ] || continue
        echo $child
        timeout 60 nsenter -t $child -a systemctl is-system-running --wait
      done`;
    const deadline = Date.now() + BOOT_MS;
    for (;;) {
      const { stdout, stderr } = await this.outside.run(['sh', '-c', ask], { env: ENVIRONMENT });
      const [leader, state] = stdout.split('\n');
      if (state === 'running' || state === 'degraded') return Number(leader);
      if (nspawn.exitCode !== null || Date.now() > deadline) {
        throw new Error(`it did not boot: ${stdout}${stderr}\n${console.lines.slice(-30).join('\n')}`);
      }
      await pause(50);
    }
  }
}

/** See cgroup.sh. */
class ControlGroup {
  readonly name: string;
  readonly #keeper: ChildProcess;

  private constructor(name: string, keeper: ChildProcess) {
    this.name = name;
    this.#keeper = keeper;
  }

  static async create(): Promise<ControlGroup> {
    const keeper = spawn('unshare', ['--mount', 'sh', join(import.meta.dirname, 'cgroup.sh')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    return new ControlGroup(await new Log(keeper.stdout!).until(/^holdfast-machine-/), keeper);
  }

  async close(): Promise<void> {
    if (this.#keeper.exitCode !== null) return;
    const gone = once(this.#keeper, 'exit');
    this.#keeper.stdin!.end();
    await gone;
  }
}
