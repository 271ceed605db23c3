/** Debian's NetworkManager on a throw-away host, without systemd: a D-Bus daemon is all that it wants. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type DhcpOptions, type DhcpServer, startDhcpServer } from './dhcp.ts';
import { LabHost, unavailable } from './host.ts';
import { Log } from './log.ts';
import { putResolved, startResolved } from './networkd.ts';
import { AGENT_YAML, OLD } from './scene.ts';

export const noNetworkManager = unavailable({ NetworkManager: 'network-manager', 'dbus-daemon': 'dbus' });

export const PROFILE = '/etc/NetworkManager/system-connections/eth0.nmconnection';
/** The profile: eth0, by DHCP. */
export const CONNECTION = `[connection]
id=eth0
uuid=11111111-1111-1111-1111-111111111111
type=ethernet
interface-name=eth0
[ipv4]
method=auto
[ipv6]
method=disabled
`;

export class Manager {
  readonly log: Log;
  readonly #host: LabHost;
  readonly #child: ChildProcess;

  private constructor(host: LabHost, child: ChildProcess) {
    this.#host = host;
    this.#child = child;
    this.log = new Log(child.stderr!);
  }

  static async start(host: LabHost): Promise<Manager> {
    const manager = new Manager(host, host.spawn(['NetworkManager', '--debug']));
    await manager.log.until(/device \(eth0\): Activation: successful/);
    return manager;
  }

  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit');
    await this.#host.sh('pkill -KILL -x NetworkManager');
    await gone;
  }
}

export const offersOf = (domain: string, servers: readonly string[] = OLD) =>
  `option domain-name "${domain}"; option domain-name-servers ${servers.join(', ')};`;

/** Waits until the host has taken `count` more leases. */
export async function renewals(server: DhcpServer, count: number): Promise<void> {
  let from = server.log.lines.length;
  for (let n = 0; n < count; n++) from = (await server.log.indexOf(/^DHCPACK/, from)) + 1;
}

/** The same profile, with DHCPv6 and router advertisements. */
export const DUAL_CONNECTION = CONNECTION.replace('method=disabled', 'method=auto');

/**
 * A host on which NetworkManager has a lease, and dispatcher events are written to /run/lab/events. `resolved`: the package of
 * systemd-resolved, which then answers libc. `six`: starts what sends the host IPv6, which it then also takes.
 */
export async function managedHost<Six>(
  dhcp: DhcpOptions,
  resolved: Buffer | null = null,
  six?: (host: LabHost) => Promise<Six>,
) {
  const host = await LabHost.create();
  try {
    await host.sh(
      'rm -rf /etc/NetworkManager/conf.d/* /etc/NetworkManager/dispatcher.d/[0-9]* /var/lib/NetworkManager/*',
    );
    await host.write('/etc/NetworkManager/NetworkManager.conf', '[main]\nplugins=keyfile\n');
    await host.write(PROFILE, six === undefined ? CONNECTION : DUAL_CONNECTION, 0o600);
    await host.write('/etc/NetworkManager/dispatcher.d/99-lab', '#!/bin/sh\necho "$1 $2" >>/run/lab/events\n', 0o755);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    if (resolved !== null) await putResolved(host, resolved);
    await host.sh('mkdir -p /run/dbus; dbus-daemon --system --fork --nopidfile');
    if (resolved !== null) await startResolved(host);
    await connect(host);
    const server = await startDhcpServer(host, dhcp);
    const sent6 = await six?.(host);
    const manager = await Manager.start(host);
    return { host, server, sent6: sent6 as Six, manager, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/**
 * Waits until nothing goes over the wire and no dispatcher is there. The dispatcher ends when it has had nothing to do for a
 * while. Each end of a new wire asks for routers and tells its multicast groups several times.
 */
export async function managerIsQuiet(host: LabHost): Promise<void> {
  await host.sh(`while pgrep -x nm-dispatcher >/dev/null; do sleep 0.1; done
    frames() { cat /sys/class/net/eth0/statistics/[rt]x_packets | xargs; }
    until [ "$(frames)" = "$last" ]; do last=$(frames); sleep 5; done`);
}

/**
 * The frames that the host has sent and got, the events that its dispatcher ran, and what its NetworkManager has said. A signal
 * to NetworkManager shows in its words.
 */
export async function managerNotices({
  host,
  manager,
}: {
  readonly host: LabHost;
  readonly manager: Manager;
}): Promise<string[]> {
  const frames = await host.sh('cat /sys/class/net/*/statistics/[rt]x_packets | xargs');
  const events = await host.sh('wc -l </run/lab/events');
  return [frames, events, ...manager.log.lines];
}
