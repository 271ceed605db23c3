/**
 * Each event of udhcpc, rehearsed and then made to happen on a throw-away host: real udhcpc, real servers. `happen` leaves the
 * host as the event left it.
 */
import assert from 'node:assert/strict';
import type { DhcpOptions } from './dhcp.ts';
import { refuseAll, startAnotherServer } from './dnsmasq-dhcp.ts';
import type { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { AGENT_YAML, apply, OLD, WANTED_RESOLV_CONF } from './scene.ts';
import { ALPINE_SCRIPT, Udhcpc, udhcpcHost } from './udhcpc.ts';

type Scene = Awaited<ReturnType<typeof udhcpcHost>>;

export const udhcpcScene = (dhcp: DhcpOptions) => udhcpcHost(ALPINE_SCRIPT, dhcp);

/** udhcpc records no lease, so the rehearsal needs one renewal after our lines are in place. */
export const UDHCPC_WAYS: Readonly<Record<string, (host: LabHost) => Promise<void>>> = {
  async 'held by Holdfast'(host) {
    await apply(host);
    await recorded(host);
  },
  async 'edited by hand'(host) {
    await host.write('/etc/holdfast/agent.yaml', 'dhcp: { supersede: { ntp-servers: [10.34.56.80] } }\n');
    assert.equal((await host.agent('apply')).code, 0);
    await recorded(host);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await host.write('/etc/resolv.conf', WANTED_RESOLV_CONF);
  },
};

/** Until the renewal's script has ended, which our lines are the begin of. */
async function recorded(host: LabHost): Promise<void> {
  await host.sh(': >/run/lab/events; kill -USR1 "$(cat /run/lab/udhcpc.pid)"');
  await host.sh('until grep -q ^renew /run/lab/events; do sleep 0.05; done; test -s /run/holdfast/udhcpc.eth0');
}

const OFFERS = `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com"; option ntp-servers 10.77.0.5;`;
/** Seconds: udhcpc asks everybody after half of a short lease, and takes no shorter one than 16 s. */
const SHORT = { lease: 16, offers: OFFERS };
/** Seconds: no renewal comes before the rehearsal of a loss has ended, which takes half a minute, or longer under load. */
const LOSING = { lease: 180, offers: OFFERS };
const LONG = { lease: 600, offers: OFFERS };

export const UDHCPC_EVENTS: RehearsedEvents<DhcpOptions, Scene> = {
  RENEW: { dhcp: LONG, givesUp: false, happen: ({ client }) => client.renew() },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server, client }) {
      await server.stop();
      await startAnotherServer(host, [`--dhcp-option=6,${OLD.join(',')}`, '--dhcp-option=15,old.example.com']);
      await client.next('renew');
    },
  },
  NAK: {
    dhcp: LOSING,
    givesUp: true,
    async happen({ host, server, client }) {
      await server.stop();
      await refuseAll(host);
      await client.next('leasefail');
    },
  },
  EXPIRE: {
    dhcp: LOSING,
    givesUp: true,
    async happen({ server, client }) {
      await server.stop();
      await client.next('leasefail');
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client, path }) {
      await client.kill();
      await Udhcpc.start(host, path);
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: true,
    async happen({ host, server, client, path }) {
      await client.kill();
      await server.stop();
      await Udhcpc.start(host, path, 'leasefail');
    },
  },
  boot: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client, path }) {
      await client.kill();
      await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/holdfast');
      await Udhcpc.start(host, path);
    },
  },
};
