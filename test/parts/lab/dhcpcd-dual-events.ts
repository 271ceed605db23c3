/**
 * Each event of a dhcpcd that takes DHCPv4, DHCPv6 and router advertisements, made to happen on a throw-away host: real dhcpcd,
 * real servers, a real router. `happen` leaves the host as the event left it.
 */

import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { type BirdRouter, startBirdRouter } from './bird-router.ts';
import { connect, type DhcpServer, startDhcpServer } from './dhcp.ts';
import { type Dhcp6Options, startDhcp6Server } from './dhcp6.ts';
import { Dhcpcd, OLD_DHCPCD_CONF, writeDhcpcdConf } from './dhcpcd.ts';
import { dhcpcdEvent, hooksEnded } from './dhcpcd-events.ts';
import { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD, waysToNew } from './scene.ts';

export interface DualDhcpcdScene extends AsyncDisposable {
  readonly host: LabHost;
  readonly client: Dhcpcd;
  readonly server: DhcpServer;
  readonly server6: DhcpServer;
  readonly router: BirdRouter;
}

const DUAL_DHCPCD_CONF = OLD_DHCPCD_CONF.replace('noipv6\n', 'option dhcp6_name_servers, dhcp6_domain_search\n');

export const DUAL_DHCPCD_WAYS = waysToNew(DHCPCD_CONF, DUAL_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));

/** The name servers that the DHCPv6 server offers. */
export const DUAL_OFFERED = ['2001:db8::11', '2001:db8::12'];
const OFFERS = `option dhcp6.name-servers ${DUAL_OFFERED.join(', ')}; option dhcp6.domain-search "six.example";`;

export async function dualDhcpcdScene(dhcp: Dhcp6Options): Promise<DualDhcpcdScene> {
  const host = await LabHost.create();
  try {
    await writeDhcpcdConf(host, DUAL_DHCPCD_CONF);
    await connect(host);
    // The kernel would make an address of its own before dhcpcd starts.
    await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
    const router = await startBirdRouter(host);
    const server = await startDhcpServer(host, { renewEvery: 300, lease: 600 });
    const server6 = await startDhcp6Server(host, { ...dhcp, offers: OFFERS });
    const client = Dhcpcd.start(host);
    await started(host, client);
    return { host, client, server, server6, router, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Waits until dhcpcd has all of both families, after line `from` of its log. */
async function started(host: LabHost, { log }: Dhcpcd, from = 0): Promise<void> {
  for (const reason of ['(BOUND|REBOOT|RENEW|REBIND)', '(BOUND6|REBOOT6|RENEW6|REBIND6)', 'ROUTERADVERT'])
    await log.until(new RegExp(`executing: .*dhcpcd-run-hooks ${reason}$`), from);
  await hooksEnded(host);
}

const LONG: Dhcp6Options = { lease: 600, renewEvery: 300 };
/** No renewal comes before the rehearsal of the loss has ended. */
const LOSING: Dhcp6Options = { lease: 50, renewEvery: 35, rebindAfter: 40 };
const REBINDING: Dhcp6Options = { lease: 150, renewEvery: 35, rebindAfter: 40 };

export const DUAL_DHCPCD_EVENTS: RehearsedEvents<Dhcp6Options, DualDhcpcdScene> = {
  RENEW6: {
    dhcp: { lease: 600, renewEvery: 6 },
    givesUp: false,
    happen: ({ host, client }) => dhcpcdEvent(host, client, 'RENEW6'),
  },
  REBIND6: {
    dhcp: REBINDING,
    givesUp: false,
    async happen({ host, client, server6 }) {
      await server6.stop();
      // The server comes back when dhcpcd asks every server.
      await client.log.until(/broadcasting REBIND6/, client.log.lines.length);
      await startDhcp6Server(host, { ...REBINDING, offers: OFFERS });
      await dhcpcdEvent(host, client, 'REBIND6');
    },
  },
  EXPIRE6: {
    dhcp: LOSING,
    givesUp: true,
    async happen({ host, client, server6 }) {
      await server6.stop();
      await dhcpcdEvent(host, client, 'EXPIRE6');
    },
  },
  RELOAD: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      const acted = await client.readAgain();
      await started(host, client, acted);
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await started(host, Dhcpcd.start(host));
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: true,
    async happen({ host, client, server, server6, router }) {
      await client.kill();
      await Promise.all([server.stop(), server6.stop(), router.stop()]);
      await dhcpcdEvent(host, Dhcpcd.start(host), 'EXPIRE', 0);
    },
  },
  boot: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/dhcpcd* /run/holdfast');
      await started(host, Dhcpcd.start(host));
    },
  },
};
