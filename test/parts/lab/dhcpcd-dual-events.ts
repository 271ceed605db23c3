/**
 * Each event of a dhcpcd that takes DHCPv4, DHCPv6 and router advertisements, made to happen on a throw-away host: real dhcpcd,
 * real servers, a real router. `happen` leaves the host as the event left it.
 */
import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { type BirdRouter, startBirdRouter } from './bird-router.ts';
import { connect, type DhcpServer, startDhcpServer } from './dhcp.ts';
import type { Dhcp6Options } from './dhcp6.ts';
import { Dhcpcd, OLD_DHCPCD_CONF, writeDhcpcdConf } from './dhcpcd.ts';
import { dhcpcdEvent, eventsAtStarts, hooksEnded } from './dhcpcd-events.ts';
import { LONG6, startServer6 } from './dual-network.ts';
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

export async function dualDhcpcdScene(dhcp: Dhcp6Options): Promise<DualDhcpcdScene> {
  const host = await LabHost.create();
  try {
    await writeDhcpcdConf(host, DUAL_DHCPCD_CONF);
    await connect(host);
    // The kernel would make an address of its own before dhcpcd starts.
    await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
    const router = await startBirdRouter(host);
    const server = await startDhcpServer(host, { renewEvery: 300, lease: 600 });
    const server6 = await startServer6(host, dhcp);
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
      await startServer6(host, REBINDING);
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
  ...eventsAtStarts<Dhcp6Options, DualDhcpcdScene>(LONG6, {
    started: ({ host }, client) => started(host, client),
    reread: ({ host, client }, from) => started(host, client, from),
    silence: ({ server, server6, router }) => Promise.all([server.stop(), server6.stop(), router.stop()]),
  }),
};
