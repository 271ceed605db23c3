/**
 * A host whose changes are tried: behind a router (`server`), with another host two hops away that accepts TCP
 * connections, over IPv4 and IPv6. A second wire leads from the host to the same router.
 */
import type { Family } from '../../../agent/address/address.ts';
import { LabHost } from './host.ts';

export const CONFIGURATION = '/etc/holdfast/agent.yaml';
const PORT = 7022;

const FAR = { ipv4: '10.61.0.5', ipv6: 'fd61::5' } as const;
const TARGET = { ipv4: `10.61.0.5:${PORT}`, ipv6: `[fd61::5]:${PORT}` } as const;

/** `confirm` with the far host as the witness beside the gateway. */
export function confirmBy(families: readonly Family[], within = 10): string {
  const also = families.map((family) => `{ tcp: "${TARGET[family]}" }`);
  return `confirm: { by: local, within: ${within}s, also: [${also.join(', ')}] }\n`;
}

export async function trialScene(families: readonly Family[] = ['ipv4', 'ipv6']): Promise<LabHost> {
  const host = await LabHost.create({ interfaces: 2 });
  try {
    await wire(host, families);
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

async function wire(host: LabHost, families: readonly Family[]): Promise<void> {
  await host.sh(
    `ip netns add far
     ip -n server link set lo up; ip -n far link set lo up
     ip -n server link add far0 type veth peer name eth0 netns far
     for one in srv0 srv1 far0; do ip -n server link set $one up; done
     ip -n far link set eth0 up
     ip link set eth0 up; ip link set eth1 up
     ip netns exec server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
     for netns in server far; do ip netns exec $netns sysctl -qw net.ipv6.conf.all.accept_dad=0; done
     sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth1.accept_dad=0`,
  );
  if (families.includes('ipv4'))
    await host.sh(
      `ip -n server addr add 10.60.0.1/24 dev srv0; ip -n server addr add 10.62.0.1/24 dev srv1
       ip -n server addr add 10.61.0.1/24 dev far0; ip -n far addr add ${FAR.ipv4}/24 dev eth0
       ip -n far route add default via 10.61.0.1
       ip addr add 10.60.0.2/24 dev eth0; ip addr add 10.62.0.2/24 dev eth1
       ip route add default via 10.60.0.1 proto dhcp`,
    );
  if (families.includes('ipv6'))
    await host.sh(
      `ip -n server addr add fd60::1/64 dev srv0 nodad; ip -n server addr add fd62::1/64 dev srv1 nodad
       ip -n server addr add fd61::1/64 dev far0 nodad; ip -n far addr add ${FAR.ipv6}/64 dev eth0 nodad
       ip -n far route add default via fd61::1
       ip addr add fd60::2/64 dev eth0 nodad; ip addr add fd62::2/64 dev eth1 nodad
       ip route add default via fd60::1 proto static`,
    );
  // The kernel tells of a link that came up at most once a second for all hosts: its own routes may be late.
  for (const link of ['eth0', 'eth1'])
    await host.sh(`until ip -6 addr show dev ${link} scope link -tentative | grep -q fe80; do sleep 0.02; done`);
  await host.write('/run/lab/far.mjs', listener());
  const far = host.spawn(['ip', 'netns', 'exec', 'far', process.execPath, '/run/lab/far.mjs']);
  await new Promise((resolve) => far.stdout!.once('data', resolve));
}

function listener(): string {
  return `
import { createServer } from 'node:net';
createServer((socket) => socket.on('error', () => {}).end()).listen(${PORT}, '::', () => console.log('ready'));
`;
}

/** Everything that a trial may touch: files with their modes, sysctls, routes of both families, and nftables. */
export async function everything(host: LabHost): Promise<string> {
  return host.sh(
    `{ find /etc /var/lib/holdfast/originals ! -type d ! -path ${CONFIGURATION} 2>/dev/null || :; } | sort >/run/lab/files
     xargs -d '\\n' stat -c '%a %U %N' </run/lab/files; xargs -d '\\n' sha256sum </run/lab/files 2>/dev/null || :
     cat /run/holdfast/routes 2>/dev/null || :
     ip -d route show table all; ip -d -6 route show table all | sed 's/expires [0-9]*sec//'
     sysctl -a 2>/dev/null | grep -e '^net.ipv[46].conf' -e ip_forward | grep -v stable_secret
     nft list ruleset 2>/dev/null || :`,
  );
}
