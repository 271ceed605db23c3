/**
 * Each event of a systemd-networkd that takes DHCPv4, DHCPv6 and router advertisements, made to happen on a throw-away host: real
 * programs, real servers, a real router. `happen` leaves the host as the event left it.
 */
import type { Dhcp6Options } from './dhcp6.ts';
import {
  LONG6,
  LOSING6,
  lost6,
  REBINDING6,
  RENEWING6,
  rebound6,
  renewed6,
  startDualNetwork,
  startRouterAlone,
} from './dual-network.ts';
import type { LabHost } from './host.ts';
import { networkdLabHost, networkdSixHost } from './networkd.ts';
import { NETWORKD_EVENTS, NETWORKD_OFFERS } from './networkd-events.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';

const LONG4 = { lease: 600, renewEvery: 300, offers: NETWORKD_OFFERS };

export async function dualNetworkdScene(dhcp: Dhcp6Options) {
  const scene = await networkdLabHost(LONG4, (host) => startDualNetwork(host, dhcp));
  if (scene !== null) await taken(scene.host);
  return scene;
}

/** On a wire without DHCPv4. */
export async function sixNetworkdScene(dhcp: Dhcp6Options) {
  const scene = await networkdSixHost((host) => startDualNetwork(host, dhcp));
  if (scene !== null) await taken(scene.host);
  return scene === null ? null : { ...scene, sent6: scene.sent };
}

/** On a wire with a router only, which sends nobody to DHCPv6. */
export async function advertisedNetworkdScene() {
  const scene = await networkdSixHost(startRouterAlone);
  if (scene !== null) await routed(scene.host);
  return scene;
}

/** Waits until systemd-networkd has the router's route and address. */
export async function routed(host: LabHost): Promise<void> {
  await host.sh(`link=/run/systemd/netif/links/$(cat /sys/class/net/eth0/ifindex)
    until ip -6 route show default proto ra | grep -q . && grep -q '^ADMIN_STATE=configured' "$link"; do sleep 0.1; done
    while ip -6 addr show dev eth0 tentative | grep -q inet6; do sleep 0.1; done
    sleep 1`);
}

export type SixNetworkdScene = NonNullable<Awaited<ReturnType<typeof sixNetworkdScene>>>;

export type DualNetworkdScene = NonNullable<Awaited<ReturnType<typeof dualNetworkdScene>>>;

/** Waits until systemd-networkd has all of both families, and both programs have written it. */
async function taken(host: LabHost): Promise<void> {
  const leased = `grep -q '"PrefixLength":128[^{}]*"ConfigSource":"DHCPv6","ConfigState":"configured"'`;
  await host.sh(`until networkctl --json=short status eth0 | ${leased}; do sleep 0.1; done`);
  await routed(host);
}

const EVENTS_OF_SIX: RehearsedEvents<Dhcp6Options, SixNetworkdScene> = {
  RENEW6: {
    dhcp: RENEWING6,
    givesUp: false,
    async happen({ host, sent6 }) {
      await renewed6(sent6.server6);
      await host.sh('sleep 1');
    },
  },
  REBIND6: {
    dhcp: REBINDING6,
    givesUp: false,
    async happen({ host, sent6 }) {
      await rebound6(host, sent6);
      await host.sh('sleep 1');
    },
  },
  EXPIRE6: {
    dhcp: LOSING6,
    givesUp: true,
    async happen({ host, sent6 }) {
      await lost6(host, sent6);
      await host.sh('sleep 1');
    },
  },
};

export const DUAL_NETWORKD_EVENTS: RehearsedEvents<Dhcp6Options, DualNetworkdScene> = {
  ...EVENTS_OF_SIX,
  RELOAD: {
    dhcp: LONG6,
    givesUp: false,
    async happen(scene) {
      await NETWORKD_EVENTS.RELOAD!.happen(scene);
      await taken(scene.host);
    },
  },
  REBOOT: {
    dhcp: LONG6,
    givesUp: false,
    async happen(scene) {
      await NETWORKD_EVENTS.REBOOT!.happen(scene);
      await taken(scene.host);
    },
  },
  TIMEOUT: {
    dhcp: LONG6,
    givesUp: true,
    async happen({ host, server, restart, sent6 }) {
      await Promise.all([server.stop(), sent6.server6.stop(), sent6.router.stop()]);
      await restart();
      await host.sh('sleep 15');
    },
  },
  boot: {
    dhcp: LONG6,
    givesUp: false,
    async happen(scene) {
      await scene.reboot();
      await taken(scene.host);
    },
  },
};

export const SIX_NETWORKD_EVENTS: RehearsedEvents<Dhcp6Options, SixNetworkdScene> = {
  ...EVENTS_OF_SIX,
  RELOAD: {
    dhcp: LONG6,
    givesUp: false,
    async happen({ host }) {
      await host.sh('networkctl reload; sleep 1');
      await taken(host);
    },
  },
  REBOOT6: {
    dhcp: LONG6,
    givesUp: false,
    async happen({ host, sent6, restart }) {
      const { log } = sent6.server6;
      const from = log.lines.length;
      await restart();
      await log.until(/^(Solicit|Confirm|Rebind|Request|Renew) message/, from);
      await taken(host);
    },
  },
  TIMEOUT6: {
    dhcp: LONG6,
    givesUp: true,
    async happen({ host, restart, sent6 }) {
      await Promise.all([sent6.server6.stop(), sent6.router.stop()]);
      await restart();
      await host.sh('sleep 15');
    },
  },
  boot: {
    dhcp: LONG6,
    givesUp: false,
    async happen({ host, reboot }) {
      await reboot();
      await taken(host);
    },
  },
};
