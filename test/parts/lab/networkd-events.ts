/** Each event of systemd-networkd, made to happen on a throw-away host: real programs, real servers. `happen` leaves the host as the event left it. */
import assert from 'node:assert/strict';
import type { DhcpOptions, DhcpServer } from './dhcp.ts';
import { refuseAll, startAnotherServer } from './dnsmasq-dhcp.ts';
import type { LabHost } from './host.ts';
import { OFFERS, rebootNetworkd, restartNetworkd } from './networkd.ts';
import { NEW, OLD } from './scene.ts';

/** How the new servers came to the host. */
export const NETWORKD_WAYS: Readonly<Record<string, (host: LabHost) => Promise<void>>> = {
  'held by Holdfast': async (host) => {
    const { code, stdout, stderr } = await host.agent('apply');
    assert.equal(code, 0, stdout + stderr);
  },
  'told by resolvectl': async (host) => {
    await host.sh(
      `resolvectl dns eth0 ${NEW.join(' ')}; resolvectl domain eth0 dev.example.com example.com '~.'; sleep 0.5`,
    );
  },
};

const SHORT = { lease: 20, renewEvery: 4, offers: OFFERS };
const LONG = { lease: 600, renewEvery: 4, offers: OFFERS };

export interface NetworkdEvent {
  readonly dhcp: DhcpOptions;
  /** Whether the address is lost by it. */
  readonly givesUp: boolean;
  happen(scene: { readonly host: LabHost; readonly server: DhcpServer }): Promise<void>;
}

export const NETWORKD_EVENTS: Readonly<Record<string, NetworkdEvent>> = {
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
    async happen({ host, server }) {
      await server.stop();
      const log = await startAnotherServer(host, [
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
    async happen({ host, server }) {
      await server.stop();
      await refuseAll(host);
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
    async happen({ host, server }) {
      const from = server.log.lines.length;
      await restartNetworkd(host);
      await server.log.until(/^DHCPACK/, from);
      await configured(host);
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, server }) {
      await server.stop();
      await restartNetworkd(host);
      await host.sh('sleep 15');
    },
  },
  boot: { dhcp: LONG, givesUp: false, happen: ({ host }) => rebootNetworkd(host) },
};

async function lost(host: LabHost): Promise<void> {
  await host.sh('while ls /run/systemd/netif/leases/* >/dev/null 2>&1; do sleep 0.05; done');
  await settled(host);
}

async function configured(host: LabHost): Promise<void> {
  await host.sh('until grep -qs ^ADMIN_STATE=configured /run/systemd/netif/links/*; do sleep 0.05; done');
  await settled(host);
}

/** systemd-networkd and systemd-resolved write when they are idle. */
async function settled(host: LabHost): Promise<void> {
  await host.sh('sleep 0.5');
}
