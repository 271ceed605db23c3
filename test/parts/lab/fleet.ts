/**
 * A fleet of throw-away hosts on one network. In its midst is a hub with two name servers, of which the old one is to be
 * switched off, a DHCP server that still offers the old one, and a collector that all hosts report to by TLS.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { RetireAnswer } from '../../../agent/collector/api.ts';
import { agentCommand } from '../agent-command.ts';
import { RunningAgent } from './daemon.ts';
import { connect, startDhcpServer, startNameServer } from './dhcp.ts';
import { LabHost } from './host.ts';
import { Log } from './log.ts';
import { NEW as NEW_SERVERS, OLD as OLD_SERVERS } from './scene.ts';
import type { RunResult } from './system.ts';

export const [OLD] = OLD_SERVERS;
export const [NEW] = NEW_SERVERS;
/** A name that both name servers know. */
export const NAME = 'app.example.com';

/** The line of a pipeline: only if it is safe, the old server is stopped. */
export const SWITCH_OFF = `agent retire ${OLD} && stop-old-dns`;

const COLLECTOR = 'https://10.77.0.1:4318';
const [TOKEN, CA] = ['/etc/holdfast/token', '/etc/holdfast/ca.pem'];
const reporting = (interval: number) =>
  `report: { endpoint: "${COLLECTOR}", interval: ${interval}s, ca: ${CA}, token-file: ${TOKEN} }\n`;
/** What a host asks first: no longer than a second, so that a look-up that fails does so soon. */
const OPTIONS = ['timeout:1', 'attempts:1'];
const GROUPS = '/sys/fs/cgroup';
const DAY = 86_400_000;
/** Milliseconds in which a verdict has to change: every host looks at all its files, on a machine that may be busy. */
const PATIENCE = 180_000;

/** Removes the control groups once this process has ended, of whatever, and the hosts with it. */
const SWEEP = `cat >/dev/null
mount -t cgroup2 none ${GROUPS}
for try in $(seq 100); do
  [ -d "$1" ] || exit 0
  find "$1" -depth -type d -exec rmdir {} ';' 2>/dev/null
  sleep 0.1
done
echo "control groups are left: $1" >&2
`;

/** `agent` whose daemon is in the control group of its service: the ledger does not count Holdfast's own questions. */
const asUnit = (group: string) => `#!/bin/sh
[ "$1" != run ] || echo $$ >${group}/cgroup.procs
exec ${agentCommand()} "$@"
`;

/** The configuration that holds a name server, on a host of which `retire` counts who asks the old one. */
export const holding = (server: string) => `dns: { nameservers: [${server}], options: [${OPTIONS.join(', ')}] }\n`;

export class FleetHub implements AsyncDisposable {
  readonly host: LabHost;
  readonly #report: string;
  readonly #token = randomBytes(16).toString('hex');
  readonly #group = `${GROUPS}/holdfast-fleet-${process.pid}-${randomBytes(4).toString('hex')}.slice`;
  readonly #members: Member[] = [];
  readonly #sweeper: ChildProcess;
  #certificate = '';

  private constructor(host: LabHost, report: string) {
    this.host = host;
    this.#report = report;
    this.#sweeper = spawn('unshare', ['--mount', 'sh', '-c', SWEEP, 'sh', this.#group], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  }

  /** `expected`: names of hosts that the collector has to miss. In seconds: between renewals of leases, and heartbeats. */
  static async create(expected: readonly string[], { renewEvery = 5, interval = 2 } = {}): Promise<FleetHub> {
    const hub = new FleetHub(await LabHost.create({ interfaces: 0, agent: agentCommand() }), reporting(interval));
    const { host } = hub;
    try {
      await host.sh('ip link add srv0 type bridge', { where: 'server' });
      await connect(host);
      const answers = { [NAME]: '10.77.0.80' };
      for (const server of [OLD, NEW]) await startNameServer(host, server, answers, ['--local=/#/']);
      await startDhcpServer(host, { renewEvery, offers: `option domain-name-servers ${OLD};` });
      await hub.#startCollector(expected);
      return hub;
    } catch (error) {
      await hub[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A host on this network: at this address, or at one that a real dhclient gets if it is null. */
  async join(name: string, address: string | null): Promise<Member> {
    const host = await LabHost.create({ interfaces: 0, agent: agentCommand() });
    const member = new Member(host, name, this.#report);
    this.#members.push(member);
    await host.plug(this.host, `port${this.#members.length}`);
    await host.write('/usr/local/bin/agent', asUnit(`${this.#group}/${name}/holdfast.service`), 0o755);
    await host.write('/etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
    await host.write(TOKEN, `${this.#token}\n`, 0o600);
    await host.write(CA, this.#certificate);
    await host.write('/etc/resolv.conf', resolvConf(OLD));
    const up = address === null ? '' : `ip addr add ${address}/24 dev eth0 && ip link set eth0 up`;
    await host.sh(`hostname ${name}
      mount -t cgroup2 none ${GROUPS}
      mkdir -p ${this.#group}/${name}/holdfast.service
      ${up}`);
    return member;
  }

  /** Runs SWITCH_OFF. */
  switchOff(): Promise<RunResult> {
    return this.#sh(SWITCH_OFF);
  }

  /** Stops the old server, whatever the verdict is. */
  async stopOld(): Promise<void> {
    await this.#sh('stop-old-dns');
  }

  get oldRuns(): boolean {
    return this.host.exists(PID_OF_OLD);
  }

  /** The verdict as soon as it is as wanted. Fails with the last one. */
  async until(wanted: (answer: RetireAnswer) => boolean): Promise<RetireAnswer> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const { stdout, stderr } = await this.#sh(`agent retire ${OLD} --json`);
      const answer = stdout === '' ? null : (JSON.parse(stdout) as RetireAnswer);
      if (answer !== null && wanted(answer)) return answer;
      if (Date.now() > end) throw new Error(`not the wanted verdict: ${JSON.stringify(answer, null, 2)}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async #startCollector(expected: readonly string[]): Promise<void> {
    const { host } = this;
    await host.write(TOKEN, `${this.#token}\n`, 0o600);
    await host.write('/usr/local/bin/stop-old-dns', STOP, 0o755);
    await host.write('/etc/holdfast/agent.yaml', this.#report);
    await host.write('/etc/holdfast/expected', expected.map((name) => `${name}\n`).join(''));
    await host.sh(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=collector \\
      -addext subjectAltName=IP:10.77.0.1 -keyout /etc/holdfast/key.pem -out ${CA} 2>/dev/null`);
    this.#certificate = await host.read(CA);
    const files = ['--token-file', TOKEN, '--certificate', CA, '--key', '/etc/holdfast/key.pem'];
    const where = ['--listen', '10.77.0.1:4318', '--data', '/var/lib/holdfast/collector'];
    const options = [...where, ...files, '--expect', '/etc/holdfast/expected'];
    const collector = host.spawn(['agent', 'collector', ...options], { where: 'server' });
    collector.stderr!.pipe(process.stderr);
    await new Log(collector.stdout!).until(/listens on/);
  }

  #sh(script: string): Promise<RunResult> {
    return this.host.run(['sh', '-c', script], { where: 'server' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map(({ host }) => host.close()));
    await this.host.close();
    const swept = once(this.#sweeper, 'exit');
    this.#sweeper.stdin!.end();
    await swept;
  }
}

const PID_OF_OLD = `/run/lab/dns.${OLD}.pid`;
/** dnsmasq removes its file when it ends. */
const STOP = `#!/bin/sh
kill "$(cat ${PID_OF_OLD})" && while [ -e ${PID_OF_OLD} ]; do sleep 0.02; done
`;

export class Member {
  readonly host: LabHost;
  readonly name: string;
  readonly #report: string;
  #agent: RunningAgent | null = null;

  constructor(host: LabHost, name: string, report: string) {
    this.host = host;
    this.name = name;
    this.#report = report;
  }

  /** Does what an operator does: writes the new configuration, then `systemctl reload holdfast`. */
  async change(config: string): Promise<void> {
    await this.#configure(config);
    await this.#agent!.signal('HUP');
    await this.#agent!.event('holdfast.config.changed');
  }

  async #configure(config: string): Promise<void> {
    await this.host.write('/etc/holdfast/agent.yaml', `${config}retire: [${OLD}]\n${this.#report}`);
  }

  /**
   * Starts the daemon. Its ledger is made to count since two days: the record says when the kernel's table began, and the
   * verdict needs a day.
   */
  async run(config: string): Promise<void> {
    await this.#configure(config);
    const since = Date.now() - 2 * DAY;
    await this.host.sh(`agent apply >/dev/null
      sed -i -E 's/"(since|${OLD})":[0-9]+/"\\1":${since}/g' /run/holdfast/ledger`);
    this.#agent = await RunningAgent.start(this.host);
  }

  /** Ends the daemon as the service manager does. */
  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = null;
  }

  async kill(): Promise<void> {
    await this.#agent?.signal('KILL');
    this.#agent = null;
  }

  /** Does what an operator does by hand: renames a new resolv.conf into place. */
  async editResolvConf(server: string): Promise<void> {
    await this.host.write('/etc/resolv.conf.new', resolvConf(server));
    await this.host.sh('mv /etc/resolv.conf.new /etc/resolv.conf');
  }

  /** Looks NAME up again and again, each time in a fresh process, and prints `found` or `lost` each time. */
  lookUps(): Log {
    const once = `getent ahostsv4 ${NAME} >/dev/null && echo found || echo lost`;
    return new Log(this.host.spawn(['sh', '-c', `while :; do ${once}; sleep 0.2; done`]).stdout!);
  }
}

function resolvConf(server: string): string {
  return `nameserver ${server}\noptions ${OPTIONS.join(' ')}\n`;
}
