/** Real DHCPv6 for a throw-away host: ISC dhcpd on `server`, dhclient -6 on the host. */
import { type DhcpServer, stop, subnet } from './dhcp.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** The network of the wire n is 2001:db8:n::/64, its router ::1. */
export const subnet6 = (n = 0) => ({ network: `2001:db8:${n}::/64`, router: `2001:db8:${n}::1` });

export interface Dhcp6Options {
  /** Which wire it serves. */
  readonly wire?: number;
  /** Lifetimes of the address, seconds. */
  readonly lease?: number;
  readonly preferred?: number;
  /** Seconds until a client asks its server again (T1), and until it asks any server (T2). */
  readonly renewEvery?: number;
  readonly rebindAfter?: number;
  /** Further statements of dhcpd.conf(5). */
  readonly offers?: string;
  /** Whether it also delegates prefixes (IA_PD), one of DELEGATED to each client. */
  readonly prefixes?: boolean;
}

/** Prefixes of 56 bits are delegated of this one. */
export const DELEGATED = '2001:db8:f000::/48';

/**
 * An IPv6 address on the far side, and both links up, each with its link-local address, without which dhclient ends.
 * Neither side checks its own addresses first (a second of waiting), so that a client may send at once.
 */
export async function connect6(host: LabHost, wire = 0): Promise<void> {
  const { host: near } = subnet(wire);
  await host.sh(`sysctl -qw net.ipv6.conf.${near}.accept_dad=0; ip link set ${near} up`);
  await connectFar6(host, wire);
  await host.sh(hasLinkLocal(near));
}

/** The kernel makes the address a moment after both ends of the wire are up. */
const hasLinkLocal = (name: string) =>
  `until ip -6 addr show dev ${name} scope link | grep -q inet6; do sleep 0.02; done`;

/** The far side alone. */
export async function connectFar6(host: LabHost, wire = 0): Promise<void> {
  const { server: far } = subnet(wire);
  const { router } = subnet6(wire);
  await host.sh(
    `sysctl -qw net.ipv6.conf.${far}.accept_dad=0
    ip link set lo up
    ip link set ${far} up
    ip addr add ${router}/64 dev ${far} nodad`,
    { where: 'server' },
  );
}

export async function startDhcp6Server(host: LabHost, options: Dhcp6Options = {}): Promise<DhcpServer> {
  const { server } = subnet(options.wire);
  const folder = `/run/lab/dhcpd6.${server}`;
  await host.write(`${folder}.conf`, dhcpd6Conf(options));
  await host.sh(`: >>${folder}.leases`);
  const args = ['-6', '-d', '-f', '-cf', `${folder}.conf`, '-lf', `${folder}.leases`, '-pf', `${folder}.pid`, server];
  const child = host.spawn(['dhcpd', ...args], { where: 'server' });
  const log = new Log(child.stderr!);
  await log.until(/^Server starting service/);
  return { log, stop: () => stop(host, child, `${folder}.pid`) };
}

function dhcpd6Conf(options: Dhcp6Options): string {
  const { wire = 0, lease = 600, preferred = lease, renewEvery = 300, rebindAfter = lease - 1, offers = '' } = options;
  const prefixes = options.prefixes ? 'prefix6 2001:db8:f000:: 2001:db8:f000:ff00:: /56;' : '';
  return `authoritative;
ddns-update-style none;
default-lease-time ${lease};
preferred-lifetime ${preferred};
# The server would give a known client a shorter lease at each renewal.
dhcp-cache-threshold 0;
option dhcp-renewal-time ${renewEvery};
option dhcp-rebinding-time ${rebindAfter};
subnet6 ${subnet6(wire).network} {
  range6 2001:db8:${wire}::100 2001:db8:${wire}::1ff;
  ${prefixes}
  ${offers}
}
`;
}
