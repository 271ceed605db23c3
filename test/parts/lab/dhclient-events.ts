/** Each event of dhclient, made to happen on a throw-away host: real dhclient, real servers. `happen` leaves the host as the event left it. */
import { Dhclient, type DhcpOptions } from './dhcp.ts';
import { startAnotherServer } from './dnsmasq-dhcp.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD, OLD_DHCLIENT_CONF, type Scene, waysToNew } from './scene.ts';

export const DHCLIENT_WAYS = waysToNew(
  '/etc/dhcp/dhclient.conf',
  OLD_DHCLIENT_CONF.replace(OLD.join(', '), NEW.join(', ')),
);

const SHORT = { lease: 12, renewEvery: 3 };
const LONG = { lease: 600, renewEvery: 3 };

export const DHCLIENT_EVENTS: RehearsedEvents<DhcpOptions, Scene> = {
  RENEW: { dhcp: LONG, givesUp: false, happen: ({ client }) => client.leased() },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server, client }) {
      await server.stop();
      await startAnotherServer(host);
      await client.leased();
    },
  },
  EXPIRE: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ server, client }) {
      const said = client.log.lines.length;
      await server.stop();
      await client.log.until(/^DHCPDISCOVER/, said);
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await Dhclient.start(host).leased();
    },
  },
  // The router answers dhclient-script's ping.
  TIMEOUT: {
    dhcp: { lease: 600 },
    givesUp: false,
    async happen({ host, server, client }) {
      await client.kill();
      await server.stop();
      await host.sh('sed -i "1i timeout 3; reboot 1;" /etc/dhcp/dhclient.conf');
      await Dhclient.start(host).leased();
    },
  },
  boot: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/holdfast');
      await Dhclient.start(host).leased();
    },
  },
};
