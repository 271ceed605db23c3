/**
 * A host behind a router, and a collector two routers farther, over IPv4 and IPv6. The wire between the routers takes
 * packets of 1,400 bytes and no router tells that. The host has a second wire to the first router.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Family } from '../../../agent/address/address.ts';
import type { DesiredDns } from '../../../agent/config/desired.ts';
import type { DesiredConfirm } from '../../../agent/config/desired-confirm.ts';
import type { DesiredReport } from '../../../agent/config/desired-daemon.ts';
import type { Judgement, WitnessAnswer } from '../../../agent/confirm/judgement.ts';
import type { makeConfirmWitnesses } from '../../../agent/confirm/witnesses/confirm-witnesses.ts';
import { sourcesCommand } from '../agent-command.ts';
import { authority } from '../certificates.ts';
import { REPOSITORY } from '../repository.ts';
import { LabHost } from './host.ts';
import { Log } from './log.ts';

export const ROUTER = { ipv4: '10.60.0.1', ipv6: 'fd60::1' } as const;
export const COLLECTOR = { ipv4: '10.61.0.5', ipv6: 'fd61::5' } as const;
/** The collector has both addresses by this name. */
export const COLLECTOR_NAME = 'collector.test';
const PORT = 4318;
/** Milliseconds between the beginnings of two agents of a fleet, and until all must have judged on a busy machine. */
const SPREAD = 60;
const PATIENCE = 600_000;

/** The argument of the program inside the host (confirm-inside.ts). */
export interface ConfirmAsking {
  readonly desired: Parameters<typeof makeConfirmWitnesses>[1];
  readonly confirm: DesiredConfirm;
  readonly report: DesiredReport;
  readonly path: boolean;
}

/** The argument of a program with many agents (confirm-fleet-inside.ts). */
export interface FleetAsking {
  readonly agents: number;
  /** The number of the first agent. */
  readonly first: number;
  /** Milliseconds over which the agents begin. */
  readonly spread: number;
  readonly asking: ConfirmAsking;
}

export interface JudgedFleet {
  /** How many agents the collector knew before the change. */
  readonly acknowledged: number;
  readonly kinds: Partial<Record<Judgement['kind'], number>>;
  /** The reason of an agent whose change was not confirmed; '' if all were. */
  readonly example: string;
}

export interface TrialOptions {
  readonly endpoint?: string;
  readonly by?: 'collector' | 'local';
  /** Milliseconds. */
  readonly within?: number;
  readonly also?: DesiredConfirm['also'];
  readonly inbound?: number | null;
  readonly nameservers?: readonly string[] | null;
  /** Whether the change touches what may stop packets. */
  readonly path?: boolean;
}

export interface Trial {
  readonly before: readonly WitnessAnswer[];
  /** The names of the witnesses that answered before. */
  readonly former: readonly string[];
  judged(): Promise<Judgement>;
}

export class ConfirmScene implements AsyncDisposable {
  readonly host: LabHost;

  private constructor(host: LabHost) {
    this.host = host;
  }

  /** `families`: those that the host has. */
  static async make(families: readonly Family[] = ['ipv4', 'ipv6']): Promise<ConfirmScene> {
    const host = await LabHost.create({ interfaces: 2 });
    const scene = new ConfirmScene(host);
    try {
      await scene.#wire(families);
      return scene;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  async #wire(families: readonly string[]): Promise<void> {
    const { host } = this;
    await host.sh('ip netns add mid; ip netns add far');
    await host.sh(
      `ip link set lo up
       ip link add mid0 type veth peer name up0 netns mid
       ip -n mid link add far0 type veth peer name eth0 netns far
       for netns in mid far; do ip -n $netns link set lo up; done
       for one in srv0 srv1 mid0; do ip link set $one up; done
       ip -n mid link set up0 up; ip -n mid link set far0 up; ip -n far link set eth0 up
       ip link set mid0 mtu 1400; ip -n mid link set up0 mtu 1400
       sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
       ip netns exec mid sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
       ip addr add 10.60.0.1/24 dev srv0; ip addr add fd60::1/64 dev srv0 nodad
       ip addr add 10.60.1.1/24 dev srv1; ip addr add fd60:1::1/64 dev srv1 nodad
       ip addr add 10.62.0.1/24 dev mid0; ip addr add fd62::1/64 dev mid0 nodad
       ip -n mid addr add 10.62.0.2/24 dev up0; ip -n mid addr add fd62::2/64 dev up0 nodad
       ip -n mid addr add 10.61.0.1/24 dev far0; ip -n mid addr add fd61::1/64 dev far0 nodad
       ip -n far addr add 10.61.0.5/24 dev eth0; ip -n far addr add fd61::5/64 dev eth0 nodad
       ip route add 10.61.0.0/24 via 10.62.0.2; ip -6 route add fd61::/64 via fd62::2
       ip -n mid route add 10.60.0.0/15 via 10.62.0.1; ip -n mid -6 route add fd60::/32 via fd62::1
       ip -n mid -6 route add fd60:1::/64 via fd62::1
       ip -n far route add default via 10.61.0.1; ip -n far -6 route add default via fd61::1
       silent='add table inet t; add chain inet t out { type filter hook output priority 0; };
         add rule inet t out icmp type destination-unreachable icmp code frag-needed drop;
         add rule inet t out icmpv6 type packet-too-big drop'
       nft "$silent"; ip netns exec mid nft "$silent"`,
      { where: 'server' },
    );
    await host.sh(
      'ip link set eth0 up; ip link set eth1 up; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0',
    );
    if (families.includes('ipv4'))
      await host.sh(
        'ip addr add 10.60.0.2/24 dev eth0; ip addr add 10.60.1.2/24 dev eth1; ip route add default via 10.60.0.1 mtu 1400',
      );
    if (families.includes('ipv6'))
      await host.sh('ip addr add fd60::2/64 dev eth0 nodad; ip -6 route add default via fd60::1 mtu 1400');
    await host.write(
      '/etc/hosts',
      `127.0.0.1 localhost\n${COLLECTOR.ipv4} ${COLLECTOR_NAME}\n${COLLECTOR.ipv6} ${COLLECTOR_NAME}\n`,
    );
    await host.write('/etc/holdfast/token', 'lab-token\n', 0o600);
  }

  /** Starts `agent collector` at the far end; gives how it is killed. */
  async collector(): Promise<{ kill(): Promise<void> }> {
    const tls = this.host.exists('/etc/holdfast/server.pem')
      ? ' --certificate /etc/holdfast/server.pem --key /etc/holdfast/server.key'
      : '';
    const command = `${sourcesCommand()} collector --listen '[::]:${PORT}' --data /run/lab/collector --token-file /etc/holdfast/token${tls}`;
    // In the background: nsenter stops itself with a child that is stopped, and then nobody ends it.
    const child = this.far(['sh', '-c', `${command} & echo $! >/run/lab/collector.pid; wait`]);
    await new Log(child.stdout!).until(/listens on/);
    return { kill: async () => void (await this.host.sh('kill -9 $(cat /run/lab/collector.pid)')) };
  }

  /** Starts a forger at the far end (forger-inside.ts). */
  async forger(): Promise<void> {
    const inside = join(REPOSITORY, 'test/parts/lab/forger-inside.ts');
    const child = this.far([process.execPath, inside, String(PORT)]);
    child.stderr!.pipe(process.stderr);
    await new Log(child.stdout!).until(/waits/);
  }

  /** Gives the collector a certificate for its name and IPv4 address. Configurations need it, as they send no token in the clear. */
  certify(): void {
    authority(this.host.path('/etc/holdfast'), COLLECTOR.ipv4, [COLLECTOR_NAME]);
  }

  /** Starts a program at the far end. */
  far(argv: readonly string[]): ChildProcess {
    return this.host.spawn(['ip', 'netns', 'exec', 'far', ...argv]);
  }

  /** Runs a script on the first router. */
  router(script: string): Promise<string> {
    return this.host.sh(script, { where: 'server' });
  }

  /** Asks the witnesses, makes the change by a script on the host, and goes on to ask. */
  async trial(change: string, options: TrialOptions = {}): Promise<Trial> {
    const asking = askingOf(options);
    const inside = join(REPOSITORY, 'test/parts/lab/confirm-inside.ts');
    const child = this.host.spawn([process.execPath, inside, JSON.stringify(asking)]);
    const log = new Log(child.stdout!);
    child.stderr!.pipe(process.stderr);
    const before = JSON.parse((await log.until(/^before /)).slice(7)) as WitnessAnswer[];
    await this.host.sh(change);
    child.stdin!.write('changed\n');
    const former = before.filter(({ answered }) => answered).map(({ witness }) => witness);
    return { before, former, judged: async () => JSON.parse((await log.until(/^judged /)).slice(7)) as Judgement };
  }

  /** Runs that many agents, which ask the collector by its IPv4 address. The change is made when all have asked their witnesses. */
  async fleet(agents: number, change: string, within: number): Promise<JudgedFleet> {
    const inside = join(REPOSITORY, 'test/parts/lab/confirm-fleet-inside.ts');
    const asking = askingOf({ endpoint: `http://${COLLECTOR.ipv4}:${PORT}`, within });
    const parts = [0, 1].map((part) => {
      const [first, end] = [Math.floor((part * agents) / 2), Math.floor(((part + 1) * agents) / 2)];
      const given: FleetAsking = { agents: end - first, first, spread: agents * SPREAD, asking };
      const child = this.host.spawn([process.execPath, inside, JSON.stringify(given)]);
      child.stderr!.pipe(process.stderr);
      return { child, log: new Log(child.stdout!, PATIENCE) };
    });
    const ready = await Promise.all(parts.map(({ log }) => log.until(/^ready /)));
    await this.host.sh(change);
    for (const { child } of parts) child.stdin!.write('changed\n');
    const judged = await Promise.all(parts.map(({ log }) => log.until(/^judged /)));
    const found = judged.map((line) => JSON.parse(line.slice(7)) as Omit<JudgedFleet, 'acknowledged'>);
    const kinds: Partial<Record<Judgement['kind'], number>> = {};
    for (const [kind, count] of found.flatMap((one) => Object.entries(one.kinds)) as [Judgement['kind'], number][])
      kinds[kind] = (kinds[kind] ?? 0) + count;
    const acknowledged = ready.reduce((sum, line) => sum + Number(line.slice(6)), 0);
    return { acknowledged, kinds, example: found.map(({ example }) => example).find((text) => text !== '') ?? '' };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.host.close();
  }
}

function askingOf(options: TrialOptions): ConfirmAsking {
  const { endpoint = `http://${COLLECTOR_NAME}:${PORT}`, by = 'collector', within = 8_000, also = [] } = options;
  const { inbound = null, nameservers = null, path = false } = options;
  const report = { endpoint, tokenFile: '/etc/holdfast/token', ca: null, certificate: null, key: null };
  const dns = { nameservers: nameservers as DesiredDns['nameservers'], verify: null };
  return {
    desired: { dns },
    confirm: { by, within, also, inbound, waves: null },
    report: report as DesiredReport,
    path,
  };
}
