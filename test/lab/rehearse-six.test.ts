/** A host that has IPv6 only: status, depends and rehearsals of dhcpcd and systemd-networkd, with and without DHCPv6. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RESOLVED_UPLINKS } from '../../agent/clients/resolved.ts';
import { noAdvertising } from '../parts/lab/advertising.ts';
import { ADVERTISED_SERVERS } from '../parts/lab/bird-router.ts';
import { debianPackage } from '../parts/lab/debian-package.ts';
import { DELEGATED } from '../parts/lab/dhcp6.ts';
import { noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { advertisedDhcpcdHost, SIX_DHCPCD_EVENTS, sixDhcpcdScene } from '../parts/lab/dhcpcd-dual-events.ts';
import { RENEWING6, SERVERS6 } from '../parts/lab/dual-network.ts';
import { cameTrue6, foretell } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import type { LabHost } from '../parts/lab/host.ts';
import {
  advertisedNetworkdScene,
  routed,
  SIX_NETWORKD_EVENTS,
  sixNetworkdScene,
} from '../parts/lab/networkd-dual-events.ts';
import { NEW } from '../parts/lab/scene.ts';

const options = { skip: noAdvertising(noDhcpcd), concurrency: 8 };

function absent(t: TestContext): void {
  t.skip("Debian's package systemd-resolved cannot be had here");
}

/** The scenes wait for leases most of the time, so they are played at once. */
const SCENES: Readonly<Record<string, (t: TestContext) => Promise<void>>> = {
  'a start of systemd-networkd is foretold': async (t) => {
    if ((await debianPackage('systemd-resolved')) === null) return absent(t);
    const servers = [...SERVERS6, ADVERTISED_SERVERS[0]!];
    const expected = () => ({ addresses: 2, asWanted: false, servers });
    await eventsAreForetold(t, 'systemd-networkd, IPv6 only', expected, ['REBOOT6', 'boot']);
  },

  'a reload of dhcpcd by another program is foretold': async (t) => {
    const servers = [...SERVERS6, ...ADVERTISED_SERVERS];
    const expected = ({ isHeld }: { readonly isHeld: boolean }) => ({ addresses: 2, servers: isHeld ? NEW : servers });
    await eventsAreForetold(t, 'dhcpcd, IPv6 only', expected, ['RELOAD']);
  },

  'status has a systemd-networkd that heard a router only, and its restart is foretold': async (t) => {
    await using made = await advertisedNetworkdScene();
    if (made === null) return absent(t);
    const { host, restart } = made;
    const foretold = await hasRouterOnly(host, 'systemd-networkd', ADVERTISED_SERVERS.slice(0, 1));
    await restart();
    await host.sh('sleep 3');
    await routed(host);
    await cameTrue6(host, foretold, RESOLVED_UPLINKS);
  },

  'status has a dhcpcd of all interfaces that heard a router only, and its start is foretold': async () => {
    await using made = await advertisedDhcpcdHost();
    const { host, restart } = made;
    const foretold = await hasRouterOnly(host, 'dhcpcd', ADVERTISED_SERVERS);
    await restart();
    await cameTrue6(host, foretold);
  },

  'a prefix that dhcpcd was delegated is named, and the rest comes as foretold': async () => {
    const dhcp = { lease: 600, renewEvery: 15, prefixes: true };
    await using made = await sixDhcpcdScene(dhcp, '\ninterface eth0\nia_na 1\nia_pd 2/::/56 -\n');
    const happen = () => SIX_DHCPCD_EVENTS.RENEW6!.happen(made);
    await prefixIsNamed(
      made.host,
      happen,
      /has a delegated prefix by eth0, and the server of the stage delegates none/,
    );
  },

  'a prefix that systemd-networkd was delegated is named, and the rest comes as foretold': async (t) => {
    await using made = await sixNetworkdScene({ ...RENEWING6, prefixes: true });
    if (made === null) return absent(t);
    const happen = () => SIX_NETWORKD_EVENTS.RENEW6!.happen(made);
    const note = /has the delegated prefix 2001:db8:f000:\S+\/56, and the server of the stage delegates none/;
    await prefixIsNamed(made.host, happen, note, RESOLVED_UPLINKS);
  },
};

test('rehearse: a host that has IPv6 only', options, async (t) => {
  await Promise.all(Object.entries(SCENES).map(([name, play]) => t.test(name, play)));
});

/** Status, depends and the next start of a host to which only a router sent anything. */
async function hasRouterOnly(host: LabHost, program: string, servers: readonly string[]) {
  const seen = JSON.parse((await host.agent('status', '--json')).stdout);
  const [holder] = seen.otherClients;
  assert.deepEqual([seen.otherClients.length, holder.program, holder.interfaces], [1, program, ['eth0']]);
  const [forecast, ...others] = seen.forecasts;
  assert.deepEqual([others, forecast.family, forecast.renews], [[], 6, null]);
  assert.match(forecast.address, /^2001:db8::/);
  const { nameservers, search, routers, ntp } = forecast.without;
  assert.deepEqual([nameservers, search, ntp], [servers, ['ra.example'], null]);
  assert.match(String(routers), /^fe80::[0-9a-f:]+$/);
  const { stdout } = await host.agent('depends', servers[0]!, '--json');
  assert.match(
    stdout,
    /a router advertises it as a name server, and nothing holds another one at the next advertisement/,
  );
  const skipped = await host.agent('rehearse', 'lease', '--reason', 'RENEW', 'RENEW6', '--json');
  assert.match(skipped.stdout, /this is no event of \S+ on eth0, which has no lease of DHCPv4/);
  const foretold = await foretell(host, 'REBOOT6');
  assert.equal(foretold.addresses.after.length, 1);
  return foretold;
}

/** The event comes as foretold, but for the routes of the prefix, which a note names as missing. */
async function prefixIsNamed(host: LabHost, happen: () => Promise<void>, note: RegExp, file?: string) {
  assert.match(await host.sh('ip -6 route show type unreachable'), new RegExp(DELEGATED.replace(/::.*/, '')));
  const foretold = await foretell(host, 'RENEW6');
  assert.match(foretold.notes.join('\n'), note);
  await happen();
  await host.sh('ip -6 route flush type unreachable; ip -6 route del fe80::/64 dev lo 2>/dev/null || :');
  await cameTrue6(host, foretold, file);
}
