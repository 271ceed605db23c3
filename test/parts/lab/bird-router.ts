/** A router on the far side of a throw-away host's wire that advertises itself: bird. */
import { subnet } from './dhcp.ts';
import { connect6 } from './dhcp6.ts';
import type { LabHost } from './host.ts';

const CONTROL = '/run/lab/bird.ctl';

export interface BirdRouter {
  readonly stop: () => Promise<void>;
}

/** Name servers (RDNSS) that the router advertises. */
export const ADVERTISED_SERVERS = ['2001:db8::31', '2001:db8::32'];

/** Connects the wire for IPv6. `managed`: it sends its hosts to DHCPv6, as most managed networks do. The router answers each solicitation, and advertises by itself every few seconds. */
export async function startBirdRouter(
  host: LabHost,
  servers: readonly string[] = ADVERTISED_SERVERS,
  managed = true,
): Promise<BirdRouter> {
  const { server } = subnet(0);
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding', { where: 'server' });
  await connect6(host);
  await host.write(
    '/run/lab/bird.conf',
    `router id 192.0.2.1;
protocol device {}
protocol radv {
  interface "${server}" {
    min ra interval 3;
    max ra interval 4;
    default lifetime 1800;
    managed ${managed ? 'yes' : 'no'};
    prefix ::/0 { valid lifetime 7200; preferred lifetime 3600; };
    rdnss { ${servers.map((address) => `ns ${address};`).join(' ')} lifetime 3600; };
    dnssl { domain "ra.example"; lifetime 3600; };
  };
}
`,
  );
  const pid = '/run/lab/bird.pid';
  host.spawn(['bird', '-f', '-c', '/run/lab/bird.conf', '-s', CONTROL, '-P', pid], { where: 'server' });
  await host.sh(`until [ -S ${CONTROL} ]; do sleep 0.05; done`);
  return {
    // Killed, a router does not say that it goes.
    stop: async () => void (await host.sh(`kill -9 $(cat ${pid})`)),
  };
}
