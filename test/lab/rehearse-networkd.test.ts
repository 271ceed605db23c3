/** Each rehearsal of systemd-networkd and systemd-resolved foretells what then happens: both real, both outcomes compared. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RESOLVED_UPLINKS } from '../../agent/clients/resolved.ts';
import type { DhcpServer } from '../parts/lab/dhcp.ts';
import { endRehearsal } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { cameTrue, foretell, foretellBoot } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { networkdLabHost, rebootNetworkd } from '../parts/lab/networkd.ts';
import { NETWORKD_EVENTS, NETWORKD_OFFERS } from '../parts/lab/networkd-events.ts';
import { NEW, nameservers, OLD } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 3 };

async function scene(t: TestContext, ...args: Parameters<typeof networkdLabHost>) {
  const made = await networkdLabHost(...args);
  if (made === null) t.skip("Debian's package systemd-resolved cannot be had here");
  return made;
}

test('rehearse: systemd-networkd’s next event is foretold', options, async (t) => {
  const made = await scene(t);
  if (made === null) return;
  await made.host.close();
  await eventsAreForetold(t, 'systemd-networkd', ({ event, isHeld }) => {
    // What resolvectl told is gone with systemd-networkd, and a silent server gives nothing in its place.
    const stands = isHeld || !['boot', 'REBOOT', 'TIMEOUT'].includes(event);
    return { asWanted: stands, servers: stands ? NEW : event === 'TIMEOUT' ? [] : OLD };
  });
});

test('rehearse: what others added to systemd-networkd’s link stays, as at the real renewal', options, async (t) => {
  await using made = await scene(t, { lease: 600, renewEvery: 4, offers: NETWORKD_OFFERS });
  if (made === null) return;
  const { host, server } = made;
  await host.agent('apply');
  // Right after a renewal, so that the next one does not come before the rehearsal has looked.
  await server.log.until(/^DHCPACK/, server.log.lines.length);
  await host.sh(
    'sleep 0.3; ip addr add 10.76.0.5/24 dev eth0; ip route add 10.98.0.0/16 via 10.77.0.9; ip route del default',
  );
  const foretold = await foretell(host, 'RENEW');
  assert.ok(foretold.addresses.after.some((line) => line.startsWith('10.76.0.5/24')));
  assert.ok(foretold.routes.before?.every((line) => !line.startsWith('default')));
  await server.log.until(/^DHCPACK/, server.log.lines.length);
  await host.sh('sleep 0.5');
  await cameTrue(host, foretold, RESOLVED_UPLINKS);
});

test('rehearse: a boot of systemd-networkd is foretold with the drop-ins that Holdfast keeps', options, async (t) => {
  await using made = await scene(t, {
    lease: 600,
    offers: `${NETWORKD_OFFERS} option ntp-servers 10.77.0.98; option interface-mtu 1400;
             option rfc3442-classless-static-routes 16, 10, 99, 10, 77, 0, 9, 0, 10, 77, 0, 1;`,
  });
  if (made === null) return;
  const { host } = made;
  await host.agent('apply');
  const foretold = await foretellBoot(host);
  assert.equal(foretold.code, 0, foretold.problems.join('\n'));
  assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), NEW);
  assert.ok(
    foretold.routes.after.some((route) => route.startsWith('10.99.0.0/16 via 10.77.0.9')),
    foretold.routes.after.join('\n'),
  );
  await rebootNetworkd(host);
  await cameTrue(host, foretold, RESOLVED_UPLINKS);
});

/** A file that changed within a second of systemd-networkd's start counts as read by it (unread-files.ts). */
async function pastStart(host: LabHost): Promise<void> {
  await host.sh('sleep 1.2');
}

test(
  'rehearse: a drop-in of another author that wins at the boot is shown beforehand, and comes so',
  options,
  async (t) => {
    await using made = await scene(t);
    if (made === null) return;
    const { host } = made;
    await host.agent('apply');
    await pastStart(host);
    await host.write('/etc/systemd/network/10-lan.network.d/zzz-other.conf', '[Network]\nDNS=\nDNS=10.66.6.6\n');
    const foretold = await foretellBoot(host);
    assert.equal(foretold.code, 2);
    assert.match(foretold.problems.join('\n'), /nameserver 10\.66\.6\.6, wanted/);
    assert.match(foretold.notes.join('\n'), /zzz-other\.conf changed after systemd-networkd\[\d+\] on eth0 started/);
    await rebootNetworkd(host);
    await cameTrue(host, foretold, RESOLVED_UPLINKS);
  },
);

/** How often the lease of eth0 is given up while `work` runs, by the server's side: a new DHCPDISCOVER. */
async function discovers(server: DhcpServer, work: () => Promise<unknown>): Promise<number> {
  const from = server.log.lines.length;
  await work();
  return server.log.lines.slice(from).filter((line) => line.startsWith('DHCPDISCOVER')).length;
}

test(
  'rehearse: files that systemd-networkd has not read come into force at a reload, as foretold',
  options,
  async (t) => {
    await using made = await scene(t);
    if (made === null) return;
    const { host, server } = made;
    const other = '/etc/systemd/network/10-lan.network.d/50-other.conf';
    await pastStart(host);
    await host.write(other, '[Network]\nDNS=10.66.6.6\n');
    const renewal = await foretell(host, 'RENEW');
    assert.deepEqual(nameservers(renewal.resolvConf.after ?? ''), OLD, 'a renewal reads no file');
    const foretold = await foretell(host, 'RELOAD');
    assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), ['10.66.6.6', ...OLD]);
    assert.match(foretold.notes.join('\n'), /50-other\.conf changed after systemd-networkd\[\d+\] on eth0 started/);
    const reload = NETWORKD_EVENTS.RELOAD!.happen;
    assert.ok((await discovers(server, () => reload(made))) > 0, 'systemd 252 gives up the lease');
    await cameTrue(host, foretold, RESOLVED_UPLINKS);
  },
);

test('rehearse: what cannot be rehearsed of systemd-networkd is said, and why', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host } = made;
  await host.write('/etc/systemd/network/10-lan.network.d/50-x.conf', '[Match]\nDriver=veth\n');
  const boot = await host.agent('rehearse', 'boot', 'eth0');
  assert.equal(boot.code, 4);
  assert.match(boot.stderr, /50-x\.conf:2 matches the link by Driver, which a link of the stage does not have/);
});

test('rehearse: rehearsals of systemd-networkd leave the host as it was, also if one is killed', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host } = made;
  await host.agent('apply');
  const before = await fingerprint(host);
  assert.notEqual((await foretellBoot(host)).resolvConf.after, null);
  assert.deepEqual((await foretell(host, 'EXPIRE')).addresses.after, []);
  assert.deepEqual(await changedSince(host, before), []);
  await endRehearsal(host, 'SIGKILL', { what: 'boot', runs: '[ "$(pgrep -c -x systemd-network)" -gt 1 ]' });
  assert.deepEqual(await changedSince(host, before), []);
});
