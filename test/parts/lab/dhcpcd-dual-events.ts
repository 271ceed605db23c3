/**
 * Each event of a dhcpcd that takes DHCPv4, DHCPv6 and router advertisements, made to happen on a throw-away host: real dhcpcd,
 * real servers, a real router. `happen` leaves the host as the event left it.
 */
import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { ADVERTISED_SERVERS, type BirdRouter, startBirdRouter } from './bird-router.ts';
import { connect, type DhcpServer, startDhcpServer } from './dhcp.ts';
import type { Dhcp6Options } from './dhcp6.ts';
import { Dhcpcd, OLD_DHCPCD_CONF, writeDhcpcdConf } from './dhcpcd.ts';
import { dhcpcdEvent, eventsAtStarts, hooksEnded } from './dhcpcd-events.ts';
import { LONG6, startServer6 } from './dual-network.ts';
import { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD, waysToNew } from './scene.ts';

/** On a wire without DHCPv4. */
export interface SixDhcpcdScene extends AsyncDisposable {
  readonly host: LabHost;
  readonly client: Dhcpcd;
  readonly server6: DhcpServer;
  readonly router: BirdRouter;
}

export interface DualDhcpcdScene extends SixDhcpcdScene {
  readonly server: DhcpServer;
}

const DUAL_DHCPCD_CONF = OLD_DHCPCD_CONF.replace('noipv6\n', 'option dhcp6_name_servers, dhcp6_domain_search\n');

export const DUAL_DHCPCD_WAYS = waysToNew(DHCPCD_CONF, DUAL_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));

export function dualDhcpcdScene(dhcp: Dhcp6Options): Promise<DualDhcpcdScene> {
  return dhcpcdSceneOf(
    dhcp,
    async (host) => ({ server: await startDhcpServer(host, { renewEvery: 300, lease: 600 }) }),
    started,
  );
}

/** `conf`: more lines of dhcpcd.conf. */
export function sixDhcpcdScene(dhcp: Dhcp6Options, conf = ''): Promise<SixDhcpcdScene> {
  return dhcpcdSceneOf(dhcp, async () => ({}), started6, conf);
}

/** A dhcpcd of all interfaces, on a wire with a router only, which sends nobody to DHCPv6. */
export async function advertisedDhcpcdHost() {
  const host = await LabHost.create();
  const start = async () => {
    const client = Dhcpcd.start(host, ['--nodev']);
    await hooksBegan(client, ['ROUTERADVERT'], 0);
    await hooksEnded(host);
    return client;
  };
  try {
    await writeDhcpcdConf(host, DUAL_DHCPCD_CONF);
    await connect(host);
    await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
    await startBirdRouter(host, ADVERTISED_SERVERS, false);
    const client = await start();
    const restart = async () => {
      await client.kill();
      await start();
    };
    return { host, restart, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

async function dhcpcdSceneOf<Sent>(
  dhcp: Dhcp6Options,
  send: (host: LabHost) => Promise<Sent>,
  begun: (host: LabHost, client: Dhcpcd) => Promise<void>,
  conf = '',
): Promise<SixDhcpcdScene & Sent> {
  const host = await LabHost.create();
  try {
    await writeDhcpcdConf(host, DUAL_DHCPCD_CONF + conf);
    await connect(host);
    // The kernel would make an address of its own before dhcpcd starts.
    await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
    const router = await startBirdRouter(host);
    const sent = await send(host);
    const server6 = await startServer6(host, dhcp);
    const client = Dhcpcd.start(host);
    await begun(host, client);
    return { host, client, ...sent, server6, router, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Waits until dhcpcd has all of both families, after line `from` of its log. */
async function started(host: LabHost, client: Dhcpcd, from = 0): Promise<void> {
  await hooksBegan(client, ['(BOUND|REBOOT|RENEW|REBIND)'], from);
  await started6(host, client, from);
}

/** As `started`, of IPv6 only. */
async function started6(host: LabHost, client: Dhcpcd, from = 0): Promise<void> {
  await hooksBegan(client, ['(BOUND6|REBOOT6|RENEW6|REBIND6)', 'ROUTERADVERT'], from);
  await hooksEnded(host);
}

async function hooksBegan({ log }: Dhcpcd, reasons: readonly string[], from: number): Promise<void> {
  for (const reason of reasons) await log.until(new RegExp(`executing: .*dhcpcd-run-hooks ${reason}$`), from);
}

/** No renewal comes before the rehearsal of the loss has ended. */
const LOSING: Dhcp6Options = { lease: 50, renewEvery: 35, rebindAfter: 40 };
const REBINDING: Dhcp6Options = { lease: 150, renewEvery: 35, rebindAfter: 40 };

const EVENTS_OF_SIX: RehearsedEvents<Dhcp6Options, SixDhcpcdScene> = {
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
};

export const DUAL_DHCPCD_EVENTS: RehearsedEvents<Dhcp6Options, DualDhcpcdScene> = {
  ...EVENTS_OF_SIX,
  ...eventsAtStarts<Dhcp6Options, DualDhcpcdScene>(LONG6, {
    started: ({ host }, client) => started(host, client),
    reread: ({ host, client }, from) => started(host, client, from),
    silence: ({ server, server6, router }) => Promise.all([server.stop(), server6.stop(), router.stop()]),
  }),
};

/** The events at which dhcpcd starts, or reads its configuration again, on a wire without DHCPv4. */
const { RELOAD, REBOOT, boot } = eventsAtStarts<Dhcp6Options, SixDhcpcdScene>(LONG6, {
  started: ({ host }, client) => started6(host, client),
  reread: ({ host, client }, from) => started6(host, client, from),
  silence: ({ server6, router }) => Promise.all([server6.stop(), router.stop()]),
});

export const SIX_DHCPCD_EVENTS: RehearsedEvents<Dhcp6Options, SixDhcpcdScene> = {
  ...EVENTS_OF_SIX,
  RELOAD: RELOAD!,
  REBOOT6: REBOOT!,
  TIMEOUT6: {
    dhcp: LONG6,
    givesUp: true,
    async happen({ host, client, server6, router }) {
      await client.kill();
      await Promise.all([server6.stop(), router.stop()]);
      Dhcpcd.start(host);
      await host.sh('sleep 20');
    },
  },
  boot: boot!,
};
