/**
 * Each event of `dhclient -6` beside a dhclient of IPv4 whose lease says otherwise, made to happen on a throw-away host: real
 * dhclients, real servers. `happen` leaves the host as the event left it.
 */
import { connect, Dhclient, type DhcpServer, startDhcpServer } from './dhcp.ts';
import { connect6, type Dhcp6Options, startDhcp6Server } from './dhcp6.ts';
import { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { AGENT_YAML, OLD_DHCLIENT_CONF } from './scene.ts';

export interface Dhclient6Scene extends AsyncDisposable {
  readonly host: LabHost;
  readonly server: DhcpServer;
  readonly client: Dhclient;
}

/** The name servers that the DHCPv6 server offers. */
export const OFFERED6 = ['2001:db8::11', '2001:db8::12'];
const OFFERS = `option dhcp6.name-servers ${OFFERED6.join(', ')}; option dhcp6.domain-search "six.example";`;

/** `conf`: of both dhclients. `offers`: of the server of IPv4. */
export async function dhclient6Scene(
  dhcp: Dhcp6Options,
  { conf = OLD_DHCLIENT_CONF, offers = '' } = {},
): Promise<Dhclient6Scene> {
  const host = await LabHost.create();
  try {
    await host.write('/etc/dhcp/dhclient.conf', conf);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await host.write('/etc/dhcp/dhclient-exit-hooks.d/aa-list', 'echo "$reason" >>/run/lab/events\n');
    await connect(host);
    await connect6(host);
    await startDhcpServer(host, { renewEvery: 300, offers });
    const server = await startDhcp6Server(host, { ...dhcp, offers: OFFERS });
    await Dhclient.start(host).leased();
    const client = Dhclient.start(host, { family: 6 });
    await client.leased();
    return { host, server, client, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

const LONG: Dhcp6Options = { lease: 600, renewEvery: 300 };
const RENEWING: Dhcp6Options = { lease: 600, renewEvery: 6 };
/** No renewal comes before the rehearsal of the loss has ended. */
const LOSING: Dhcp6Options = { lease: 50, renewEvery: 35, rebindAfter: 40 };
const REBINDING: Dhcp6Options = { lease: 150, renewEvery: 35, rebindAfter: 40 };

export const DHCLIENT6_EVENTS: RehearsedEvents<Dhcp6Options, Dhclient6Scene> = {
  RENEW6: { dhcp: RENEWING, givesUp: false, happen: ({ host }) => next(host, 'RENEW6') },
  REBIND6: {
    dhcp: REBINDING,
    givesUp: false,
    async happen({ host, server, client }) {
      await server.stop();
      // The server comes back between the last attempt to renew and the first one to rebind.
      await client.log.until(/^XMT: Rebind on/, client.log.lines.length);
      await startDhcp6Server(host, { ...REBINDING, offers: OFFERS });
      await next(host, 'REBIND6');
    },
  },
  EXPIRE6: {
    dhcp: LOSING,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await next(host, 'EXPIRE6');
    },
  },
  REBOOT6: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await Dhclient.start(host, { family: 6 }).leased();
    },
  },
  TIMEOUT6: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, server, client }) {
      await client.kill();
      await server.stop();
      await Dhclient.start(host, { family: 6 }).leased();
    },
  },
  boot: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await host.sh('ip -6 addr flush dev eth0 scope global; rm -rf /run/holdfast');
      await Dhclient.start(host, { family: 6 }).leased();
    },
  },
};

/** Waits until dhclient-script has ended for one more event of this name. */
async function next(host: LabHost, reason: string): Promise<void> {
  const count = `grep -cx ${reason} /run/lab/events || :`;
  const before = Number(await host.sh(count));
  await host.sh(
    `until [ "$(${count})" -gt ${before} ]; do sleep 0.05; done; while pgrep -f "[d]hclient-script"; do sleep 0.05; done >&2`,
  );
}
