/**
 * Each event of dhcpcd, rehearsed and then made to happen on a throw-away host: real dhcpcd, real servers. `happen` leaves the
 * host as the event left it.
 */
import { DHCPCD_CONF } from '../../../agent/clients/dhcpcd/running.ts';
import { Dhcpcd, type dhcpcdHost, OLD_DHCPCD_CONF } from './dhcpcd.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';
import { apply, NEW, OLD, WANTED_LINES } from './scene.ts';

type Scene = Awaited<ReturnType<typeof dhcpcdHost>>;

/** How the new servers came to the host: by Holdfast, or by hand as before the outage. */
export const DHCPCD_WAYS: Readonly<Record<string, (host: LabHost) => Promise<void>>> = {
  'held by Holdfast': apply,
  'edited by hand': async (host) => {
    await host.write(DHCPCD_CONF, OLD_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));
    await host.write('/etc/resolv.conf', WANTED_LINES.map((line) => `${line}\n`).join(''));
  },
};

/** Seconds: dhcpcd takes no shorter lease than 20 s. */
const SHORT = { lease: 24, renewEvery: 3 };
const LONG = { lease: 600, renewEvery: 3 };

interface DhcpcdEvent {
  readonly dhcp: typeof SHORT;
  /** Whether the address is lost by it. */
  readonly givesUp: boolean;
  happen(scene: Scene): Promise<void>;
}

export const DHCPCD_EVENTS: Readonly<Record<string, DhcpcdEvent>> = {
  RENEW: { dhcp: LONG, givesUp: false, happen: ({ host, client }) => event(host, client, 'RENEW') },
  REBIND: {
    dhcp: SHORT,
    givesUp: false,
    async happen({ host, server, client }) {
      await server.stop();
      await host.sh('ip addr del 10.77.0.1/24 dev srv0; ip addr add 10.77.0.3/24 dev srv0', { where: 'server' });
      // Not dhcpd: that hears what is sent to the other server, too.
      await startDnsmasq(host, ['--dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,600', '--dhcp-option=3,10.77.0.1']);
      await event(host, client, 'REBIND');
    },
  },
  // dhcpcd hears a refusal, which is a broadcast, only once it asks everybody.
  NAK: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server, client }) {
      await server.stop();
      await refuseAll(host);
      await event(host, client, 'NAK');
    },
  },
  EXPIRE: {
    dhcp: SHORT,
    givesUp: true,
    async happen({ host, server, client }) {
      await server.stop();
      await event(host, client, 'EXPIRE');
    },
  },
  RELOAD: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.readAgain();
      const acted = client.log.lines.findLastIndex((line) => line.includes('received SIGHUP'));
      await event(host, client, '(REBIND|RENEW|BOUND|REBOOT)', acted);
    },
  },
  REBOOT: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await event(host, Dhcpcd.start(host), 'REBOOT', 0);
    },
  },
  TIMEOUT: {
    dhcp: LONG,
    givesUp: true,
    async happen({ host, client, server }) {
      await client.kill();
      await server.stop();
      await event(host, Dhcpcd.start(host), 'EXPIRE', 0);
    },
  },
  boot: {
    dhcp: LONG,
    givesUp: false,
    async happen({ host, client }) {
      await client.kill();
      await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -rf /run/dhcpcd* /run/holdfast');
      await event(host, Dhcpcd.start(host), 'REBOOT', 0);
    },
  },
};

/** Waits until dhcpcd has an event after line `from`, and its script has ended. */
async function event(host: LabHost, client: Dhcpcd, reason: string, from = client.log.lines.length): Promise<void> {
  await client.log.until(new RegExp(`executing: .*dhcpcd-run-hooks ${reason}$`), from);
  await host.sh('while pgrep -f "^/bin/sh .*dhcpcd-run-hooks" >/dev/null; do sleep 0.05; done; sleep 0.3');
}

/** A server that has one address, which another client holds: it refuses the present one, and has none to offer. */
export async function refuseAll(host: LabHost): Promise<void> {
  await host.sh('echo "$(($(date +%s) + 9999)) 02:00:00:00:00:99 10.77.0.200 * *" >/run/lab/dnsmasq.leases');
  await startDnsmasq(host, ['--dhcp-range=10.77.0.200,10.77.0.200,255.255.255.0,600']);
}

/** It takes an unknown lease in its range for one that it forgot. */
async function startDnsmasq(host: LabHost, more: readonly string[]): Promise<void> {
  const child = host.spawn(
    [
      ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--no-ping', '--user=root'],
      ...['--dhcp-authoritative', '--interface=srv0', '--dhcp-leasefile=/run/lab/dnsmasq.leases', '--log-facility=-'],
      ...['--pid-file=/run/lab/dnsmasq.pid', ...more],
    ],
    { where: 'server' },
  );
  await new Log(child.stderr!).until(/DHCP, IP range/);
}
