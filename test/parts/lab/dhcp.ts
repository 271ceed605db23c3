/** Real DHCP and DNS for a throw-away host: ISC dhcpd and dnsmasq on `server`, dhclient on the host. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** The network of the wire n is 10.77.n.0/24, its router .1. */
export const subnet = (n = 0) => ({
  host: `eth${n}`,
  server: `srv${n}`,
  network: `10.77.${n}.0`,
  router: `10.77.${n}.1`,
  pool: `10.77.${n}.100 10.77.${n}.199`,
});

export interface DhcpOptions {
  /** Which wire it serves. */
  readonly wire?: number;
  /** Lease time, seconds. */
  readonly lease?: number;
  /** Seconds between renewals. The server always sends options 58 and 59. Default: from the lease time. */
  readonly renewEvery?: number;
  /** Further statements of dhcpd.conf(5). */
  readonly offers?: string;
  /** Those that must stand before everything else: definitions of options. */
  readonly define?: string;
}

/** What only the far side of the wire can do. */
export interface DhcpServer {
  readonly log: Log;
  stop(): Promise<void>;
}

/** An address on the far side, and its link up: the network that the host joins. */
export async function connect(host: LabHost, wire = 0): Promise<void> {
  const { server, router } = subnet(wire);
  await host.sh(`ip link set lo up; ip link set ${server} up; ip addr add ${router}/24 dev ${server}`, {
    where: 'server',
  });
}

export async function startDhcpServer(host: LabHost, options: DhcpOptions = {}): Promise<DhcpServer> {
  const { server } = subnet(options.wire);
  const folder = `/run/lab/dhcpd.${server}`;
  await host.write(`${folder}.conf`, dhcpdConf(options));
  await host.sh(`: >>${folder}.leases`);
  const args = ['-4', '-d', '-f', '-cf', `${folder}.conf`, '-lf', `${folder}.leases`, '-pf', `${folder}.pid`, server];
  const child = host.spawn(['dhcpd', ...args], { where: 'server' });
  const log = new Log(child.stderr!);
  await log.until(/^Server starting service/);
  return { log, stop: () => stop(host, child, `${folder}.pid`) };
}

function dhcpdConf({ wire = 0, lease = 600, renewEvery, offers = '', define = '' }: DhcpOptions): string {
  const { network, router, pool } = subnet(wire);
  // A server may send options unasked by changing the list of those asked for: dhcpd.conf(5), dhcp-parameter-request-list.
  const renewal = renewEvery
    ? `option dhcp-renewal-time ${renewEvery};
option dhcp-rebinding-time ${lease - 1};
option dhcp-parameter-request-list = concat(option dhcp-parameter-request-list, 3a:3b);`
    : '';
  return `authoritative;
ddns-update-style none;
ping-check false;
min-lease-time 1;
default-lease-time ${lease};
max-lease-time ${lease};
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
${define}
${renewal}
subnet ${network} netmask 255.255.255.0 {
  range ${pool};
  option routers ${router};
  ${offers}
}
`;
}

/**
 * A name server at an address of the far side's own.
 * @param answers names to an address, or to several; any other name is refused, unless `flags` (dnsmasq(8)) say more.
 */
export async function startNameServer(
  host: LabHost,
  address: string,
  answers: Readonly<Record<string, string | readonly string[]>>,
  flags: readonly string[] = [],
): Promise<{ stop(): Promise<void> }> {
  const own = address.includes(':') ? `${address}/128 nodad` : `${address}/32`;
  await host.sh(`ip addr replace ${own} dev srv0`, { where: 'server' });
  const pid = `/run/lab/dns.${address}.pid`;
  const records = Object.entries(answers).flatMap(([name, to]) => {
    return [to].flat().map((one) => `--host-record=${name},${one}`);
  });
  const child = host.spawn(
    [
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--bind-interfaces',
      '--user=root',
    ].concat([`--listen-address=${address}`, '--log-facility=-', `--pid-file=${pid}`, ...records, ...flags]),
    { where: 'server' },
  );
  await new Log(child.stderr!).until(/started/);
  return { stop: () => stop(host, child, pid) };
}

export interface DhclientOptions {
  readonly wire?: number;
  /** Default: 4. */
  readonly family?: 4 | 6;
  /** Instead of what Debian's ifup passes. */
  readonly args?: readonly string[];
}

/** A dhclient in the foreground, with Debian's unmodified script and otherwise the options of Debian's ifup. */
export class Dhclient {
  readonly log: Log;
  readonly interface: string;
  readonly #host: LabHost;
  readonly #child: ChildProcess;
  readonly #family: 4 | 6;

  private constructor(host: LabHost, child: ChildProcess, iface: string, family: 4 | 6) {
    this.#host = host;
    this.#child = child;
    this.log = new Log(child.stderr!);
    this.interface = iface;
    this.#family = family;
  }

  static start(host: LabHost, { wire = 0, family = 4, args }: DhclientOptions = {}): Dhclient {
    const iface = subnet(wire).host;
    const leases = `/var/lib/dhcp/dhclient${family === 6 ? '6' : ''}.${iface}.leases`;
    const usual = [`-${family}`, '-v', '-pf', pidFile(iface, family), '-lf', leases, iface];
    return new Dhclient(host, host.spawn(['dhclient', '-d', ...(args ?? usual)]), iface, family);
  }

  /** The number of leases so far, renewals included: dhclient prints these lines when its script has ended. */
  get leases(): number {
    return this.log.count(BOUND);
  }

  get declined(): number {
    return this.log.count(/^DHCPDECLINE/);
  }

  /** Waits until it has `count` more leases than now. */
  async leased(count = 1): Promise<void> {
    let from = this.log.lines.length;
    for (let n = 0; n < count; n++) from = (await this.log.indexOf(BOUND, from)) + 1;
  }

  /** Kills it like the kernel's out-of-memory killer: no script runs, and the address stays. */
  kill(): Promise<void> {
    return stop(this.#host, this.#child, pidFile(this.interface, this.#family), 'KILL');
  }
}

/** For IPv4, where `bound:` is TIMEOUT's; then for IPv6. */
const BOUND = /^bound( to .* --|:) renewal in|^PRC: Renewal event scheduled/;
const pidFile = (iface: string, family: 4 | 6) => `/run/dhclient${family === 6 ? '6' : ''}.${iface}.pid`;

export async function stop(host: LabHost, child: ChildProcess, pidFile: string, signal = 'TERM'): Promise<void> {
  const gone = once(child, 'exit');
  await host.sh(`kill -${signal} "$(cat ${pidFile})"`);
  await gone;
}
