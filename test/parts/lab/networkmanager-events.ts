/**
 * Each event of NetworkManager, made to happen on a throw-away host: real programs, real servers. `happen` leaves the host as the
 * event left it.
 */
import { refuseAll, startAnotherServer } from './dnsmasq-dhcp.ts';
import type { LabHost } from './host.ts';
import { CONNECTION, Manager, type managedHost, offersOf, PROFILE, renewals } from './networkmanager.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD, waysToNew } from './scene.ts';

type Scene = Awaited<ReturnType<typeof managedHost>>;

/** The profile with the new servers, as a hand edits it. */
export const EDITED_PROFILE = CONNECTION.replace(
  'method=auto',
  `method=auto\ndns=${NEW.join(';')};\nignore-auto-dns=true`,
);

/** The hand that edits the profile does not have NetworkManager read it. */
export const NETWORKMANAGER_WAYS = waysToNew(PROFILE, EDITED_PROFILE, 0o600);

const OFFERS = offersOf('old.example.com');
/** Seconds. NetworkManager renews after a half of the lease. */
const SHORT = { lease: 30, offers: OFFERS };
const LONG = { lease: 600, offers: OFFERS };

export const NETWORKMANAGER_EVENTS: RehearsedEvents<typeof SHORT, Scene> = {
  RENEW: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server }) {
      await renewals(server, 1);
      await dispatched(host);
    },
  },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server }) {
      await server.stop();
      const offers = [`--dhcp-option=6,${OLD.join(',')}`, '--dhcp-option=15,old.example.com'];
      await (await startAnotherServer(host, offers)).until(/DHCPACK/);
      await dispatched(host);
    },
  },
  NAK: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await refuseAll(host);
      await failed(host);
    },
  },
  EXPIRE: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await failed(host);
    },
  },
  RELOAD: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host }) {
      await host.sh('nmcli general reload; nmcli connection reload; sleep 1');
      await dispatched(host);
    },
  },
  REAPPLY: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host }) {
      await host.sh('nmcli connection reload; nmcli device reapply eth0; sleep 1');
      await dispatched(host);
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, manager }) {
      await manager.kill();
      await Manager.start(host);
      await dispatched(host);
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, manager, server }) {
      await server.stop();
      await manager.kill();
      await Manager.start(host);
      await dispatched(host);
    },
  },
  boot: { dhcp: LONG, givesUp: false, happen: rebootManager },
};

/** The machine's start, as far as it is NetworkManager's matter. */
export async function rebootManager({ host, manager }: Pick<Scene, 'host' | 'manager'>): Promise<void> {
  await manager.kill();
  await host.sh(`pkill -KILL -x nm-dispatcher || :
    ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/NetworkManager /run/holdfast`);
  await Manager.start(host);
  await dispatched(host);
}

/** When the lease has ended and NetworkManager has asked in vain, it gives the device up. */
async function failed(host: LabHost): Promise<void> {
  await host.sh('while grep -qs "^connection-uuid=1111" /run/NetworkManager/devices/*; do sleep 0.1; done');
  await dispatched(host);
}

/** The dispatcher runs its scripts one after another, with a pause between two events. */
export async function dispatched(host: LabHost): Promise<void> {
  await host.sh(`quiet=0
    while [ "$quiet" -lt 15 ]; do
      quiet=$((quiet + 1))
      if pgrep -P "$(pgrep -d, -x nm-dispatcher)" >/dev/null 2>&1; then quiet=0; fi
      sleep 0.1
    done`);
}
