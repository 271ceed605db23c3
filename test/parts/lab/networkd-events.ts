/** Each event of systemd-networkd, made to happen on a throw-away host: real programs, real servers. `happen` leaves the host as the event left it. */
import assert from 'node:assert/strict';
import type { DhcpOptions, DhcpServer } from './dhcp.ts';
import { refuseAll, startAnotherServer } from './dnsmasq-dhcp.ts';
import type { LabHost } from './host.ts';
import type { RehearsedEvents } from './rehearsed-event.ts';
import { NEW, OLD } from './scene.ts';
import type { LabSystem } from './system.ts';

/** How the new servers came to the host. */
export const NETWORKD_WAYS: Readonly<Record<string, (host: LabSystem) => Promise<void>>> = {
  'held by Holdfast': async (host) => {
    const { code, stdout, stderr } = await host.run(['agent', 'apply']);
    assert.equal(code, 0, stdout + stderr);
  },
  'told by resolvectl': async (host) => {
    await host.sh(
      `resolvectl dns eth0 ${NEW.join(' ')}; resolvectl domain eth0 dev.example.com example.com '~.'; sleep 0.5`,
    );
  },
};

export const NETWORKD_OFFERS = `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`;
const OFFERS = NETWORKD_OFFERS;
const SHORT = { lease: 20, renewEvery: 4, offers: OFFERS };
const LONG = { lease: 600, renewEvery: 4, offers: OFFERS };

/** A throw-away host or a booted machine. */
export interface NetworkdStanding {
  readonly host: LabSystem;
  /** Has the far side of the wire as its `server`. */
  readonly far: LabHost;
  readonly server: DhcpServer;
  /** As systemd restarts it; does not wait for a lease. */
  restart(): Promise<void>;
  reboot(): Promise<void>;
}

export const NETWORKD_EVENTS: RehearsedEvents<DhcpOptions, NetworkdStanding> = {
  RENEW: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, server }) {
      await server.log.until(/^DHCPACK/, server.log.lines.length);
      await settled(host);
    },
  },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, far, server }) {
      await server.stop();
      const log = await startAnotherServer(far, [
        `--dhcp-option=6,${OLD.join(',')}`,
        '--dhcp-option=15,old.example.com',
      ]);
      await log.until(/DHCPACK/);
      await settled(host);
    },
  },
  NAK: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, far, server }) {
      await server.stop();
      await refuseAll(far);
      await lost(host);
    },
  },
  EXPIRE: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server }) {
      await server.stop();
      await lost(host);
    },
  },
  RELOAD: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host }) {
      await host.sh('networkctl reload; sleep 1');
      await configured(host);
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, server, restart }) {
      const from = server.log.lines.length;
      await restart();
      await server.log.until(/^DHCPACK/, from);
      await configured(host);
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, server, restart }) {
      await server.stop();
      await restart();
      await host.sh('sleep 15');
    },
  },
  boot: { dhcp: LONG, givesUp: false, happen: ({ reboot }) => reboot() },
};

async function lost(host: LabSystem): Promise<void> {
  await host.sh('while ls /run/systemd/netif/leases/* >/dev/null 2>&1; do sleep 0.05; done');
  await settled(host);
}

async function configured(host: LabSystem): Promise<void> {
  await host.sh('until grep -qs ^ADMIN_STATE=configured /run/systemd/netif/links/*; do sleep 0.05; done');
  await settled(host);
}

/** systemd-networkd and systemd-resolved write when they are idle. */
async function settled(host: LabSystem): Promise<void> {
  await host.sh('sleep 0.5');
}
