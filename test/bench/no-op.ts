/**
 * What a no-op `agent apply` takes by what is configured, as a ratio to `node -e 0` on the same host. The hosts are gateways
 * as Debian installs them: with a dhclient that holds a lease, and with the files of dhcpcd and NetworkManager.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost } from '../parts/lab/host.ts';
import { AGENT_YAML } from '../parts/lab/scene.ts';
import { alternate, reportPairs } from './paired.ts';

/** Settings that no line of EVERYTHING sets. */
const SYSCTL = `  net.ipv4.fib_multipath_hash_policy: 1
  net.ipv6.route.max_size: { atLeast: 4194304 }
`;
export const DNS_AND_SYSCTL = `${AGENT_YAML}sysctl:
  net.ipv4.ip_forward: 1
  net.ipv4.conf.default.send_redirects: 0
  net.ipv4.conf.default.accept_redirects: 0
${SYSCTL}`;

const ROUTES = `routes:
  - { to: 10.50.0.0/16, via: 10.77.0.1, dev: eth0 }
  - { to: 10.60.0.0/16, via: 10.99.0.9, dev: eth1 }
  - { to: "2001:db8:50::/48", via: "2001:db8:77::1", dev: eth0 }
`;
const MASQUERADE = '  masquerade: [{ out: eth0, from: 10.99.0.0/24 }]\n';

export const EVERYTHING = `${AGENT_YAML}dhcp:
  supersede: { ntp-servers: [192.0.2.123] }
  request: { without: [static-routes], also: [interface-mtu] }
sysctl:
${SYSCTL}${ROUTES}forwarding:
  ipv4: true
  redirects: off
${MASQUERADE}  dnsmasq: { networks: [{ router: 10.99.0.1/24, tag: lan }] }
egress: { default: bgp }
`;

const CONFIGURATIONS: readonly (readonly [name: string, yaml: string])[] = [
  ['dns, sysctl', DNS_AND_SYSCTL],
  ['dns, sysctl, routes, masquerading', `${DNS_AND_SYSCTL}${ROUTES}forwarding:\n${MASQUERADE}`],
  ['dns, dhcp, sysctl, routes, forwarding, masquerading, dnsmasq, egress', EVERYTHING],
];

/** Prints a Markdown table. HOLDFAST_AGENT names the executable. */
export async function benchNoOp(): Promise<void> {
  const hosts: LabHost[] = [];
  try {
    for (const [, yaml] of CONFIGURATIONS) hosts.push(await gatewayWith(yaml));
    const measured = await alternate(
      hosts.map((host, n) => {
        const apply = { name: CONFIGURATIONS[n]![0], argv: ['agent', 'apply'] };
        return [host, { name: 'node -e 0', argv: ['node', '-e', '0'] }, apply] as const;
      }),
    );
    const pairs = measured.map(([base, apply]) => [base!, apply!] as const);
    reportPairs('No-op apply by what is configured, to `node -e 0` on the same host', pairs);
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

/** The host is as wanted already, by the command `agent`. BGP's default route has a gateway that has answered. */
export async function gatewayWith(yaml: string, agent = ''): Promise<LabHost> {
  const host = await LabHost.create({ interfaces: 2, agent });
  await connect(host);
  await host.sh('ip addr add 2001:db8:77::1/64 dev srv0 nodad; ip link set srv1 up', { where: 'server' });
  await host.sh(`: >/etc/dhcpcd.conf
    ip link set eth1 up; ip addr add 10.99.0.1/24 dev eth1; ip addr add 2001:db8:77::2/64 dev eth0 nodad
    ip neigh replace 10.99.0.9 lladdr 02:00:00:00:00:09 dev eth1 nud permanent
    ip route add default via 10.99.0.9 dev eth1 proto bgp metric 20`);
  await startDhcpServer(host, { lease: 86_400 });
  await Dhclient.start(host).leased();
  // Beside the agent, in memory: there a start takes 4 ms more of the processor than from a disk's cache.
  await host.write('/usr/local/bin/node', await readFile(process.execPath), 0o755);
  await host.write('/etc/holdfast/agent.yaml', yaml);
  await host.sh('agent apply');
  assert.match(await host.sh('agent apply'), /^\d+ as wanted, 0 changed$/m);
  return host;
}

if (import.meta.main) await benchNoOp();
