/** A router on the far side of a throw-away host's wire that advertises itself: dnsmasq. */
import { subnet } from './dhcp.ts';
import { connect6, connectFar6, subnet6 } from './dhcp6.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

export interface Advertised {
  readonly wire?: number;
  /** RDNSS and DNSSL (RFC 8106). */
  readonly nameservers?: readonly string[];
  readonly search?: readonly string[];
  /** Seconds for which the router is a default router. Default: 600. */
  readonly lifetime?: number;
  /** false: the near side is not this host's own. Default: true. */
  readonly near?: boolean;
}

export interface Advertiser {
  readonly log: Log;
  stop(): Promise<void>;
}

/** Connects the wire for IPv6. The router answers each solicitation at once, and advertises by itself every few seconds. */
export async function startAdvertiser(host: LabHost, advertised: Advertised = {}): Promise<Advertiser> {
  const { wire = 0, nameservers = [], search = [], lifetime = 600, near = true } = advertised;
  const { server } = subnet(wire);
  // Without forwarding, neighbour advertisements say "no router", and the host forgets the router (RFC 4861, 7.2.5).
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding', { where: 'server' });
  await (near ? connect6 : connectFar6)(host, wire);
  const pid = `/run/lab/advertiser.${server}.pid`;
  const servers = nameservers.map((address) => `[${address}]`);
  const child = host.spawn(
    [
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--port=0',
      '--user=root',
      '--enable-ra',
      `--dhcp-range=${subnet6(wire).network.replace('/64', '')},ra-only,64,${lifetime}`,
      `--ra-param=${server},4,${lifetime}`,
      `--interface=${server}`,
      '--log-facility=-',
      `--pid-file=${pid}`,
      ...(nameservers.length === 0 ? [] : [`--dhcp-option=option6:dns-server,${servers.join(',')}`]),
      ...(search.length === 0 ? [] : [`--dhcp-option=option6:domain-search,${search.join(',')}`]),
    ],
    { where: 'server' },
  );
  const log = new Log(child.stderr!);
  await log.until(/started/);
  return {
    log,
    async stop() {
      await host.sh(`kill $(cat ${pid}); while [ -e ${pid} ]; do sleep 0.02; done`);
    },
  };
}
