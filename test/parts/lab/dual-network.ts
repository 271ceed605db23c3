/** What sends a throw-away host IPv6: a router that sends its hosts to DHCPv6, and a DHCPv6 server. */
import { ADVERTISED_SERVERS, type BirdRouter, startBirdRouter } from './bird-router.ts';
import type { DhcpServer } from './dhcp.ts';
import { type Dhcp6Options, startDhcp6Server } from './dhcp6.ts';
import type { LabHost } from './host.ts';

/** The name servers that the DHCPv6 server offers. */
export const SERVERS6 = ['2001:db8::11', '2001:db8::12'];
const OFFERS6 = `option dhcp6.name-servers ${SERVERS6.join(', ')}; option dhcp6.domain-search "six.example";`;

/** The host takes what servers and routers send, so that a rehearsal shows each of them. */
export const DUAL_WAYS = { 'not at all': async () => {} };

/** Seconds. */
export const LONG6: Dhcp6Options = { lease: 600, renewEvery: 300 };
export const RENEWING6: Dhcp6Options = { lease: 600, renewEvery: 20 };
/** No renewal comes before the rehearsal of the loss has ended. */
export const LOSING6: Dhcp6Options = { lease: 60, renewEvery: 40, rebindAfter: 50 };
export const REBINDING6: Dhcp6Options = { lease: 150, renewEvery: 40, rebindAfter: 50 };

export interface DualNetwork {
  readonly router: BirdRouter;
  readonly server6: DhcpServer;
}

/** Leaves the link as a machine's start does: down, without an address of IPv6, and with a kernel that listens to no router. */
export async function startDualNetwork(host: LabHost, dhcp: Dhcp6Options): Promise<DualNetwork> {
  const router = await startRouter(host, true);
  const server6 = await startServer6(host, dhcp);
  await unplugged(host);
  return { router, server6 };
}

/** As startDualNetwork, without DHCPv6. */
export async function startRouterAlone(host: LabHost): Promise<BirdRouter> {
  const router = await startRouter(host, false);
  await unplugged(host);
  return router;
}

/** The router advertises one name server, because systemd-networkd puts several into an order of chance. */
async function startRouter(host: LabHost, managed: boolean): Promise<BirdRouter> {
  await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
  return startBirdRouter(host, ADVERTISED_SERVERS.slice(0, 1), managed);
}

async function unplugged(host: LabHost): Promise<void> {
  // An advertisement is heard only from the router's link-local address.
  await host.sh('while ip -6 addr show tentative | grep -q inet6; do sleep 0.05; done', { where: 'server' });
  await host.sh('ip link set eth0 down');
}

/** The DHCPv6 server, which offers SERVERS6. */
export function startServer6(host: LabHost, dhcp: Dhcp6Options): Promise<DhcpServer> {
  return startDhcp6Server(host, { ...dhcp, offers: OFFERS6 });
}

export async function renewed6({ log }: DhcpServer): Promise<void> {
  await log.until(/^Renew message/, log.lines.length);
}

/** The server is gone while the client asks it, and answers when the client asks every server. */
export async function rebound6(host: LabHost, { server6 }: DualNetwork): Promise<void> {
  await server6.stop();
  await host.sh('sleep 45');
  const back = await startServer6(host, REBINDING6);
  await back.log.until(/^Rebind message/);
}

/** The server is gone until the host has no address of it. */
export async function lost6(host: LabHost, { server6 }: DualNetwork): Promise<void> {
  await server6.stop();
  await host.sh('while ip -6 addr show dev eth0 | grep -q /128; do sleep 0.1; done');
}

/** Has the host's ip(8) answer as on a kernel without VXLAN devices. */
export async function withoutVxlan(host: LabHost): Promise<void> {
  await host.sh('cp "$(command -v ip)" /usr/local/sbin/ip.real');
  await host.write('/usr/local/sbin/ip.sh', REFUSING, 0o755);
  await host.sh('mount --bind /usr/local/sbin/ip.sh "$(readlink -f "$(command -v ip)")"');
}

const REFUSING = `#!/bin/sh
for word in "$@"; do
    if [ -f "$word" ] && grep -q 'type vxlan' "$word"; then
        echo 'Error: Unknown device type.' >&2
        exit 1
    fi
done
exec /usr/local/sbin/ip.real "$@"
`;
