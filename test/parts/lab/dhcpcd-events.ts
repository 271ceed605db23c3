/**
 * Each event of dhcpcd, rehearsed and then made to happen on a throw-away host: real dhcpcd, real servers. `happen` leaves the
 * host as the event left it.
 */
import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { Dhcpcd, type dhcpcdHost, OLD_DHCPCD_CONF } from './dhcpcd.ts';
import { refuseAll, startAnotherServer } from './dnsmasq-dhcp.ts';
import type { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD, waysToNew } from './scene.ts';

type Scene = Awaited<ReturnType<typeof dhcpcdHost>>;

export const DHCPCD_WAYS = waysToNew(DHCPCD_CONF, OLD_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));

/** Seconds: dhcpcd takes no shorter lease than 20 s. */
const SHORT = { lease: 24, renewEvery: 3 };
const LONG = { lease: 600, renewEvery: 3 };

export const DHCPCD_EVENTS: RehearsedEvents<typeof SHORT, Scene> = {
  RENEW: { dhcp: LONG, givesUp: false, happen: ({ host, client }) => dhcpcdEvent(host, client, 'RENEW') },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server, client }) {
      await server.stop();
      await startAnotherServer(host);
      await dhcpcdEvent(host, client, 'REBIND');
    },
  },
  // dhcpcd hears a refusal, which is a broadcast, only once it asks everybody.
  NAK: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server, client }) {
      await server.stop();
      await refuseAll(host);
      await dhcpcdEvent(host, client, 'NAK');
    },
  },
  EXPIRE: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server, client }) {
      await server.stop();
      await dhcpcdEvent(host, client, 'EXPIRE');
    },
  },
  ...eventsAtStarts<typeof SHORT, Scene>(LONG, {
    started: ({ host }, client) => dhcpcdEvent(host, client, 'REBOOT', 0),
    reread: ({ host, client }, from) => dhcpcdEvent(host, client, '(REBIND|RENEW|BOUND|REBOOT)', from),
    silence: ({ server }) => server.stop(),
  }),
};

/** The steps in which a dhcpcd of one family and a dhcpcd of both families differ. */
interface Steps<OneScene> {
  /** Waits until this dhcpcd, which was just started, has what it had. */
  readonly started: (scene: OneScene, client: Dhcpcd) => Promise<void>;
  /** Waits until the scene's dhcpcd, which read its configuration again, has what it had. `from`: the line of its log where it does so. */
  readonly reread: (scene: OneScene, from: number) => Promise<void>;
  /** Nothing answers dhcpcd any more. */
  readonly silence: (scene: OneScene) => Promise<unknown>;
}

/** The events at which dhcpcd starts, or reads its configuration again. */
export function eventsAtStarts<Dhcp, OneScene extends { readonly host: LabHost; readonly client: Dhcpcd }>(
  dhcp: Dhcp,
  { started, reread, silence }: Steps<OneScene>,
): RehearsedEvents<Dhcp, OneScene> {
  return {
    RELOAD: {
      dhcp,
      givesUp: false,
      happen: async (scene) => reread(scene, await scene.client.readAgain()),
    },
    REBOOT: {
      dhcp,
      givesUp: false,
      async happen(scene) {
        await scene.client.kill();
        await started(scene, Dhcpcd.start(scene.host));
      },
    },
    TIMEOUT: {
      dhcp,
      givesUp: true,
      async happen(scene) {
        const { host, client } = scene;
        await client.kill();
        await silence(scene);
        await dhcpcdEvent(host, Dhcpcd.start(host), 'EXPIRE', 0);
      },
    },
    boot: {
      dhcp,
      givesUp: false,
      async happen(scene) {
        const { host, client } = scene;
        await client.kill();
        await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/dhcpcd* /run/holdfast');
        await started(scene, Dhcpcd.start(host));
      },
    },
  };
}

/** Waits until dhcpcd has an event after line `from`, and its script has ended. */
export async function dhcpcdEvent(
  host: LabHost,
  client: Dhcpcd,
  reason: string,
  from = client.log.lines.length,
): Promise<void> {
  await client.log.until(new RegExp(`executing: .*dhcpcd-run-hooks ${reason}$`), from);
  await hooksEnded(host);
}

/** Waits until no script of dhcpcd runs, and dhcpcd has done what follows it. */
export async function hooksEnded(host: LabHost): Promise<void> {
  await host.sh('while pgrep -f "^/bin/sh .*dhcpcd-run-hooks" >/dev/null; do sleep 0.05; done; sleep 0.3');
}
