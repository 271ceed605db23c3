/** Servers at a distance from a throw-away host, by a program that answers late: this kernel may have no netem. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from './dhcp.ts';
import { type LabHost, unavailable } from './host.ts';
import { Log } from './log.ts';

const DISTANCES = '/run/lab/far';

export const REFUSED = -1;

/** Why there can be none here, or false. */
export function noFarServers(): string | false {
  return unavailable() || (existsSync('/dev/net/tun') ? false : 'needs /dev/net/tun (kernel module tun)');
}

/** Addresses of 10.88.0.0/16 to milliseconds, REFUSED, or nothing: silence. */
export type Distances = Readonly<Record<string, number>>;

export class FarServers {
  readonly #host: LabHost;
  readonly #log: Log;

  private constructor(host: LabHost, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  /** Gives the host the address 10.77.0.9, and a way to them. */
  static async start(host: LabHost, distances: Distances): Promise<FarServers> {
    await connect(host);
    await host.sh('sysctl -qw net.ipv4.ip_forward=1', { where: 'server' });
    await host.sh('ip link set eth0 up; ip addr add 10.77.0.9/24 dev eth0; ip route add 10.88.0.0/16 via 10.77.0.1');
    const program = host.spawn(['perl', join(import.meta.dirname, 'far.pl'), DISTANCES], { where: 'server' });
    program.stderr!.pipe(process.stderr);
    const far = new FarServers(host, new Log(program.stdout!));
    await far.move(distances);
    await far.#log.until(/^ready$/);
    return far;
  }

  async move(distances: Distances): Promise<void> {
    const lines = Object.entries(distances).map(([address, distance]) => `${address} ${distance}\n`);
    await this.#host.write(`${DISTANCES}.new`, lines.join(''));
    await this.#host.sh(`mv ${DISTANCES}.new ${DISTANCES}`);
  }

  /** Connections that were tried so far. */
  get tried(): number {
    return this.#log.count(/^syn /);
  }

  triedAt(address: string): number {
    return this.#log.lines.filter((line) => line === `syn ${address}`).length;
  }
}

/** Which address each of several `getent hosts` gives first: what gethostbyname gives to a program. */
export async function firstAddresses(host: LabHost, name: string, times = 6): Promise<string[]> {
  const found: string[] = [];
  for (let n = 0; n < times; n += 1) {
    const { code, stdout, stderr } = await host.run(['getent', 'hosts', name]);
    assert.equal(code, 0, stderr);
    found.push(stdout.split(/\s/)[0] ?? '');
  }
  return found;
}
