/** Hosts with a daemon each, on one wire with a collector that admits them to changes by waves. */
import type { RolloutRow } from '../../../agent/collector/api.ts';
import { sourcesCommand } from '../agent-command.ts';
import { authority } from '../certificates.ts';
import { RunningAgent } from './daemon.ts';
import { LabHost } from './host.ts';
import { Log } from './log.ts';

const ADDRESS = '10.60.0.1';
const URL = `https://${ADDRESS}:4318`;
/** Milliseconds between two looks. */
const LOOK = 200;

export interface WavesHost {
  readonly host: LabHost;
  readonly agent: RunningAgent;
}

/** `base` runs the collector at the other end of the wire. */
export class WavesScene implements AsyncDisposable {
  readonly hosts: WavesHost[] = [];
  readonly #base: LabHost;
  readonly #all: LabHost[];

  private constructor(base: LabHost) {
    this.#base = base;
    this.#all = [base];
  }

  static async make(hosts: number): Promise<WavesScene> {
    const base = await LabHost.create({ interfaces: 0 });
    const scene = new WavesScene(base);
    try {
      await base.sh(
        `ip link set lo up; ip link add srv0 type bridge; ip link set srv0 up; ip addr add ${ADDRESS}/24 dev srv0`,
        { where: 'server' },
      );
      await base.sh('mkdir -p /etc/holdfast');
      authority(base.path('/etc/holdfast'), ADDRESS, []);
      await base.write('/etc/holdfast/token', 'lab-token\n', 0o600);
      await base.write('/etc/holdfast/writers', 'may-write\n', 0o600);
      await scene.collector();
      const added = await Promise.allSettled(Array.from({ length: hosts }, (_, nth) => scene.#add(nth)));
      for (const one of added) if (one.status === 'rejected') throw one.reason;
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(nth: number): Promise<void> {
    const host = await LabHost.create({ interfaces: 0 });
    this.#all.push(host);
    await host.plug(this.#base, `port${nth}`);
    await host.sh(
      `ip link set lo up; ip link set eth0 up; ip addr add 10.60.0.${10 + nth}/24 dev eth0
       ip route add default via ${ADDRESS}; hostname web-${nth}
       echo 1 >/proc/sys/net/ipv4/conf/eth0/accept_redirects; mkdir -p /etc/holdfast`,
    );
    await host.write('/etc/hostname', `web-${nth}\n`);
    await host.write('/etc/machine-id', `${String(nth).repeat(32)}\n`);
    await host.write('/etc/holdfast/token', 'lab-token\n', 0o600);
    await host.write('/etc/holdfast/ca.pem', await this.#base.read('/etc/holdfast/ca.pem'));
    await host.write('/etc/holdfast/agent.yaml', configuration(''));
    this.hosts.push({ host, agent: await RunningAgent.start(host) });
  }

  /** Starts the collector, with the database of the one before. */
  async collector(): Promise<void> {
    const files = '--certificate /etc/holdfast/server.pem --key /etc/holdfast/server.key';
    const tokens = '--token-file /etc/holdfast/token --write-token-file /etc/holdfast/writers';
    const command = `${sourcesCommand()} collector --listen ${ADDRESS}:4318 --data /run/lab/collector --waves 1,3,100% ${files} ${tokens}`;
    const child = this.#base.spawn(['sh', '-c', `${command} & echo $! >/run/lab/collector.pid; wait`], {
      where: 'server',
    });
    child.stderr!.pipe(process.stderr);
    await new Log(child.stdout!).until(/listens on/);
  }

  async killCollector(): Promise<void> {
    await this.#base.sh('kill -9 $(cat /run/lab/collector.pid)');
  }

  /** Gives these hosts this configuration, beside the way to the collector. */
  async configure(yaml: string, hosts: readonly WavesHost[] = this.hosts): Promise<void> {
    await Promise.all(
      hosts.map(async ({ host, agent }) => {
        await host.write('/etc/holdfast/agent.yaml', configuration(yaml));
        await agent.signal('HUP');
      }),
    );
  }

  /** The outputs of a script on every host. */
  async each(script: string): Promise<string[]> {
    return Promise.all(this.hosts.map(async ({ host }) => (await host.sh(script)).trim()));
  }

  /** Waits until the collector's list of rollouts is as wanted; gives it. */
  async rollouts(wanted: (rows: readonly RolloutRow[]) => boolean): Promise<readonly RolloutRow[]> {
    for (;;) {
      const rows = JSON.parse(await this.#ask('/api/v1/waves')) as RolloutRow[];
      if (wanted(rows)) return rows;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  async knows(hosts: number): Promise<void> {
    for (;;) {
      if ((JSON.parse(await this.#ask('/api/v1/summary')) as { hosts: number }).hosts === hosts) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  /** Does what a button of the page does; gives the rollout after it. */
  async decide(rollout: string, what: 'stop' | 'continue'): Promise<RolloutRow> {
    const rows = JSON.parse(
      await this.#ask(`/api/v1/waves/${rollout}/${what}`, '-X POST', 'may-write'),
    ) as RolloutRow[];
    return rows.find(({ id }) => id === rollout)!;
  }

  #ask(path: string, more = '', token = 'lab-token'): Promise<string> {
    return this.#base.sh(
      `curl -sf ${more} --cacert /etc/holdfast/ca.pem -H 'Authorization: Bearer ${token}' '${URL}${path}'`,
      { where: 'server' },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((host) => host.close()));
  }
}

function configuration(more: string): string {
  return `
report: { endpoint: "${URL}", ca: /etc/holdfast/ca.pem, token-file: /etc/holdfast/token, interval: 2s }
confirm: { within: 10s, waves: true }
${more}
`;
}
