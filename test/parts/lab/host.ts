/**
 * A throw-away host: namespaces of its own for network, mounts, processes and name, and the machine's files below an
 * overlay in memory. Beside it a second network namespace, `server`, for whoever serves it. It ends with `close()`, and
 * also when the process that made it dies of whatever: see init.sh.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sourcesCommand } from '../agent-command.ts';
import { REPOSITORY } from '../repository.ts';
import { Log } from './log.ts';
import { LabSystem, type RunOptions, type RunResult } from './system.ts';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
};

const PARTS = {
  dhclient: 'isc-dhcp-client',
  dhcpd: 'isc-dhcp-server',
  dnsmasq: 'dnsmasq-base',
  ip: 'iproute2',
  ping: 'iputils-ping',
  unshare: 'util-linux',
} as const;

/**
 * Why there can be no throw-away host here, as one sentence, or false: fits the `skip` of node:test.
 * @param further programs that are wanted beside, with Debian's package of each.
 */
export function unavailable(further: Readonly<Record<string, string>> = {}): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to make a network namespace';
  const missing = Object.entries({ ...PARTS, ...further }).filter(([part]) => !inPath(part));
  if (missing.length > 0) return `needs ${missing.map(([part, pkg]) => `${part} (Debian package ${pkg})`).join(', ')}`;
  try {
    execFileSync('unshare', ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'may not make namespaces here (a container without CAP_SYS_ADMIN?)';
  }
}

export class LabHost extends LabSystem {
  readonly #init: ChildProcess;
  readonly #pid: number;

  private constructor(init: ChildProcess, pid: number) {
    super();
    this.#init = init;
    this.#pid = pid;
  }

  /**
   * A host as Debian installs it, with `agent` in its PATH: the executable named by HOLDFAST_AGENT, else the sources.
   * @param interfaces how many `eth0`, `eth1` … it has, each by a wire of its own to `srv0`, `srv1` … of `server`; all are down.
   * @param agent another command that is `agent` there.
   */
  static async create({ interfaces = 1, agent = '' } = {}): Promise<LabHost> {
    const flags = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
    const init = spawn('unshare', [...flags, 'sh', join(import.meta.dirname, 'init.sh'), REPOSITORY], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: ENVIRONMENT,
    });
    const pid = Number(await new Log(init.stdout!).until(/^\d+$/));
    const host = new LabHost(init, pid);
    try {
      await host.#settle(interfaces, agent);
      return host;
    } catch (error) {
      // Its first process would keep the test from ending.
      await host.close();
      throw error;
    }
  }

  async #settle(interfaces: number, agent: string): Promise<void> {
    for (let n = 0; n < interfaces; n++) await this.sh(`ip link add eth${n} type veth peer name srv${n} netns server`);
    // Nothing of what this machine's own administrator did may decide a test.
    await this.sh(
      'rm -rf /etc/holdfast /var/lib/holdfast /var/lib/dhcp/* /var/lib/dhcpcd/* /etc/sysctl.d/60-holdfast.conf',
    );
    await this.sh(
      'rm -f /etc/resolv.conf /etc/dhcp/dhclient-*-hooks.d/*holdfast* /etc/dhcpcd.*-hook; hostname lab; echo lab >/etc/hostname',
    );
    await this.sh('mkdir -p /run/lab /var/lib/dhcp; : >/etc/resolv.conf; chmod 644 /etc/resolv.conf');
    const built = process.env.HOLDFAST_AGENT;
    const command = agent || sourcesCommand();
    await this.write('/usr/local/bin/agent', `#!/bin/sh\nexec ${command} "$@"\n`, 0o755);
    // Not a copy: that would be 113 MB of memory for each host.
    if (built && agent === '') await this.sh(`mount --bind '${built}' /usr/local/bin/agent`);
  }

  /** Starts a program. To signal the child is of no use: that is nsenter, and what it started lives on. */
  spawn(argv: readonly string[], { where = 'host', env = {} }: RunOptions = {}): ChildProcess {
    const inside = where === 'server' ? ['ip', 'netns', 'exec', 'server', ...argv] : argv;
    return spawn('nsenter', ['-t', String(this.#pid), '-a', ...inside], { env: { ...ENVIRONMENT, ...env } });
  }

  /** Makes `eth0`, a wire to the bridge `srv0` of another host's `server`; it is down. */
  async plug(into: LabHost, port: string): Promise<void> {
    const enter = ['nsenter', `--net=${into.path('/run/netns/server')}`, 'ip', 'link'];
    const peer = ['peer', 'name', 'eth0', 'netns', String(this.#pid)];
    for (const args of [
      ['add', port, 'type', 'veth', ...peer],
      ['set', port, 'master', 'srv0', 'up'],
    ]) {
      execFileSync(enter[0]!, [...enter.slice(1), ...args], { env: ENVIRONMENT });
    }
  }

  agent(...args: string[]): Promise<RunResult> {
    return this.run(['agent', ...args]);
  }

  /** The path by which this process sees a file of the host. */
  path(file: string): string {
    return `/proc/${this.#pid}/root${file}`;
  }

  async close(): Promise<void> {
    if (this.#init.exitCode !== null || this.#init.signalCode !== null) return;
    const gone = once(this.#init, 'exit');
    this.#init.stdin!.end();
    await gone;
  }
}

function inPath(program: string): boolean {
  return ENVIRONMENT.PATH.split(':').some((folder) => existsSync(join(folder, program)));
}
