/**
 * Each event of a NetworkManager that takes DHCPv4, DHCPv6 and router advertisements, made to happen on a throw-away host: real
 * programs, real servers, a real router. `happen` leaves the host as the event left it.
 */
import { ADVERTISED_SERVERS } from './bird-router.ts';
import type { Dhcp6Options } from './dhcp6.ts';
import { refuseAll } from './dnsmasq-dhcp.ts';
import { LONG6, lost6, REBINDING6, RENEWING6, rebound6, renewed6, startDualNetwork } from './dual-network.ts';
import type { LabHost } from './host.ts';
import { Manager, managedHost, offersOf } from './networkmanager.ts';
import { dispatched, NETWORKMANAGER_EVENTS, rebootManager } from './networkmanager-events.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';

interface Dhcp {
  readonly four?: { readonly lease: number };
  readonly six: Dhcp6Options;
}

export async function dualManagedHost({ four = { lease: 600 }, six }: Dhcp) {
  const scene = await managedHost({ ...four, offers: offersOf('old.example.com') }, null, (host) =>
    startDualNetwork(host, six),
  );
  await taken(scene.host);
  return scene;
}

export type DualManagedScene = Awaited<ReturnType<typeof dualManagedHost>>;

/**
 * Waits until this NetworkManager says that it has all of both families, and has written it. Its record and the kernel have all
 * of an earlier one.
 */
async function taken(host: LabHost): Promise<void> {
  await host.sh(`has() { nmcli -t -e no -f DHCP4,DHCP6,IP6.DNS device show eth0 | grep -q "$1"; }
    until has '^DHCP4.*:ip_address = ' && has '^DHCP6.*:ip6_address = ' && has '^IP6.DNS.*:${ADVERTISED_SERVERS[0]}$' &&
      ip -6 route show default proto ra | grep -q . && ip -6 addr show dev eth0 -tentative | grep -q /128; do sleep 0.1; done`);
  await dispatched(host);
}

/** Seconds that NetworkManager asks in vain before it gives up (ipv4.dhcp-timeout and ipv6.dhcp-timeout), and a few more. */
const GIVEN_UP = 48;

const SHORT4 = { four: { lease: 30 }, six: LONG6 };

/** NetworkManager keeps the device, because IPv6 still works. */
async function lost4(host: LabHost): Promise<void> {
  await host.sh(`while ip -4 addr show dev eth0 | grep -q inet; do sleep 0.1; done; sleep ${GIVEN_UP}`);
}

export const DUAL_NETWORKMANAGER_EVENTS: RehearsedEvents<Dhcp, DualManagedScene> = {
  RENEW6: {
    dhcp: { six: RENEWING6 },
    givesUp: false,
    async happen({ host, sent6 }) {
      await renewed6(sent6.server6);
      await dispatched(host);
    },
  },
  REBIND6: {
    dhcp: { six: REBINDING6 },
    givesUp: false,
    async happen({ host, sent6 }) {
      await rebound6(host, sent6);
      await dispatched(host);
    },
  },
  EXPIRE6: {
    dhcp: { six: { lease: 120, renewEvery: 80, rebindAfter: 90 } },
    givesUp: true,
    async happen({ host, sent6 }) {
      await lost6(host, sent6);
      await host.sh(`sleep ${GIVEN_UP}`);
    },
  },
  RENEW: { ...NETWORKMANAGER_EVENTS.RENEW!, dhcp: SHORT4 },
  REBIND: { ...NETWORKMANAGER_EVENTS.REBIND!, dhcp: SHORT4 },
  NAK: {
    dhcp: SHORT4,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await refuseAll(host);
      await lost4(host);
    },
  },
  EXPIRE: {
    dhcp: SHORT4,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await lost4(host);
    },
  },
  RELOAD: { ...NETWORKMANAGER_EVENTS.RELOAD!, dhcp: { six: LONG6 } },
  REAPPLY: { ...NETWORKMANAGER_EVENTS.REAPPLY!, dhcp: { six: LONG6 } },
  REBOOT: {
    dhcp: { six: LONG6 },
    givesUp: false,
    async happen({ host, manager }) {
      await manager.kill();
      await Manager.start(host);
      await taken(host);
    },
  },
  TIMEOUT: {
    dhcp: { six: LONG6 },
    givesUp: false,
    async happen({ host, manager, server, sent6 }) {
      await Promise.all([server.stop(), sent6.server6.stop(), sent6.router.stop()]);
      await manager.kill();
      await Manager.start(host);
      await host.sh(`sleep ${GIVEN_UP}`);
      await dispatched(host);
    },
  },
  boot: {
    dhcp: { six: LONG6 },
    givesUp: false,
    async happen(scene) {
      await rebootManager(scene);
      await taken(scene.host);
    },
  },
};
