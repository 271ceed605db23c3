/** Debian's dhcpcd on a throw-away host, and a host that has had one for long. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type DhcpOptions, startDhcpServer } from './dhcp.ts';
import { LabHost, unavailable } from './host.ts';
import { Log } from './log.ts';
import { AGENT_YAML, OLD } from './scene.ts';

export const noDhcpcd = unavailable({ dhcpcd: 'dhcpcd-base' });

/** Debian's own without its comments, without the pauses that are of no interest here, and what an operator added long ago. */
export const OLD_DHCPCD_CONF = `duid
persistent
vendorclassid
option domain_name_servers, domain_name, domain_search
option classless_static_routes
option interface_mtu
option host_name
option rapid_commit
require dhcp_server_identifier
slaac private
noipv6
noarp
nodelay

# our resolvers
static domain_search=old.example.com
static domain_name_servers=${OLD.join(' ')}

# the office
interface eth7
static ip_address=192.0.2.7/24
`;

/** In the foreground, on eth0; without an interface in manager mode. */
export class Dhcpcd {
  readonly log: Log;
  readonly #host: LabHost;
  readonly #child: ChildProcess;

  private constructor(host: LabHost, child: ChildProcess) {
    this.#host = host;
    this.#child = child;
    this.log = new Log(child.stderr!);
  }

  static start(host: LabHost, interfaces: readonly string[] = ['eth0']): Dhcpcd {
    return new Dhcpcd(host, host.spawn(['dhcpcd', '-d', '-B', ...interfaces]));
  }

  /** Waits until `count` more of its events have begun and the scripts of all but the last have ended. */
  async events(count = 1): Promise<void> {
    let from = this.log.lines.length;
    for (let n = 0; n < count; n++) from = (await this.log.indexOf(EVENT, from)) + 1;
  }

  /** Waits until it has `count` more leases, and dhcpcd-run-hooks has ended for each. */
  async leased(count = 1): Promise<void> {
    await this.events(count);
    // The next one begins when the last one's script has ended.
    await this.events();
  }

  /**
   * Has dhcpcd read its configuration again. dhcpcd 9.4.1 loses a SIGHUP that arrives while it starts its hook script, so
   * the signal is sent again until dhcpcd says that it acts on one.
   *
   * @returns the line of the log where it does.
   */
  async readAgain(): Promise<number> {
    const from = this.log.lines.length;
    const acted = this.log.indexOf(READS_AGAIN, from);
    const resend = setInterval(() => void this.#host.sh('dhcpcd -n eth0').catch(() => {}), RESEND_AFTER);
    try {
      await this.#host.sh('dhcpcd -n eth0');
      return await acted;
    } finally {
      clearInterval(resend);
    }
  }

  /** Kills it like the kernel's out-of-memory killer: no script runs, and the address stays. */
  async kill(): Promise<void> {
    const gone = this.#child.exitCode === null ? once(this.#child, 'exit') : null;
    await this.#host.sh('pkill -KILL -x dhcpcd');
    await gone;
  }
}

/** dhcpcd's own line for a SIGHUP that is not lost. */
const READS_AGAIN = /received SIGHUP, rebinding/;

/** Milliseconds: a SIGHUP that is not lost is acted on within one or two. */
const RESEND_AFTER = 300;

const EVENT = /executing: .*dhcpcd-run-hooks (BOUND|RENEW|REBIND|REBOOT)/;

/** dhcpcd's configuration of long ago, and what the operator wants now. */
export async function writeDhcpcdConf(host: LabHost, conf: string): Promise<void> {
  await host.write('/etc/dhcpcd.conf', conf);
  await host.sh('touch -d "1 hour ago" /etc/dhcpcd.conf'); // so that a change is seen in whole seconds
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
}

/** A host whose dhcpcd read OLD_DHCPCD_CONF and has its first lease. */
export async function dhcpcdHost(dhcp: DhcpOptions = { renewEvery: 1 }, conf = OLD_DHCPCD_CONF) {
  const host = await LabHost.create();
  try {
    await writeDhcpcdConf(host, conf);
    await connect(host);
    const server = await startDhcpServer(host, dhcp);
    const client = Dhcpcd.start(host);
    await client.leased();
    return { host, server, client, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}
