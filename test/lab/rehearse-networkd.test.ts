/** The rehearsed boot of systemd-networkd and systemd-resolved is what then happens: both real, both outcomes compared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { cameTrue, foretellBoot } from '../parts/lab/foretell.ts';
import { unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { networkdLabHost, OFFERS, rebootNetworkd } from '../parts/lab/networkd.ts';
import { NEW, nameservers, OLD } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };
const UPLINKS = '/run/systemd/resolve/resolv.conf';

async function scene(t: TestContext, ...args: Parameters<typeof networkdLabHost>) {
  const made = await networkdLabHost(...args);
  if (made === null) t.skip("Debian's package systemd-resolved cannot be had here");
  return made;
}

test('rehearse: a boot of systemd-networkd is foretold where nothing holds the new servers', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host } = made;
  const foretold = await foretellBoot(host);
  assert.equal(foretold.code, 2);
  assert.match(
    foretold.problems.join('\n'),
    /nameserver 10\.77\.0\.11 10\.77\.0\.12, wanted 10\.77\.0\.21 10\.77\.0\.22/,
  );
  await rebootNetworkd(host);
  await cameTrue(host, foretold, UPLINKS);
  assert.deepEqual(nameservers(await host.read(UPLINKS)), OLD);
});

test('rehearse: a boot of systemd-networkd is foretold with the drop-ins that Holdfast keeps', options, async (t) => {
  await using made = await scene(t, {
    lease: 600,
    offers: `${OFFERS} option ntp-servers 10.77.0.98; option interface-mtu 1400;
             option rfc3442-classless-static-routes 16, 10, 99, 10, 77, 0, 9, 0, 10, 77, 0, 1;`,
  });
  if (made === null) return;
  const { host } = made;
  // Without D-Bus the running links cannot be told, but everything for the next start is made.
  await host.agent('apply');
  const foretold = await foretellBoot(host);
  assert.equal(foretold.code, 0, foretold.problems.join('\n'));
  assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), NEW);
  assert.ok(
    foretold.routes.after.some((route) => route.startsWith('10.99.0.0/16 via 10.77.0.9')),
    foretold.routes.after.join('\n'),
  );
  await rebootNetworkd(host);
  await cameTrue(host, foretold, UPLINKS);
});

test(
  'rehearse: a drop-in of another author that wins at the boot is shown beforehand, and comes so',
  options,
  async (t) => {
    await using made = await scene(t);
    if (made === null) return;
    const { host } = made;
    await host.agent('apply');
    await host.write('/etc/systemd/network/10-lan.network.d/zzz-other.conf', '[Network]\nDNS=\nDNS=10.66.6.6\n');
    const foretold = await foretellBoot(host);
    assert.equal(foretold.code, 2);
    assert.match(foretold.problems.join('\n'), /nameserver 10\.66\.6\.6, wanted/);
    await rebootNetworkd(host);
    await cameTrue(host, foretold, UPLINKS);
  },
);

test('rehearse: what cannot be rehearsed of systemd-networkd is said, and why', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host } = made;
  const lease = await host.agent('rehearse', 'lease', 'eth0');
  assert.equal(lease.code, 4);
  assert.match(lease.stderr, /knows what resolvectl told it.* so only `agent rehearse boot` plays it/);
  await host.write('/etc/systemd/network/10-lan.network.d/50-x.conf', '[Match]\nDriver=veth\n');
  const boot = await host.agent('rehearse', 'boot', 'eth0');
  assert.equal(boot.code, 4);
  assert.match(boot.stderr, /50-x\.conf:2 matches the link by Driver, which a link of the stage does not have/);
});

test('rehearse: a boot of systemd-networkd leaves the host as it was, also if it is killed', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host } = made;
  await host.agent('apply');
  const before = await fingerprint(host);
  assert.notEqual((await foretellBoot(host)).resolvConf.after, null);
  assert.deepEqual(await changedSince(host, before), []);
  const child = host.spawn(['sh', '-c', 'echo $$; exec agent rehearse boot']);
  const pid = await new Log(child.stdout!).until(/^\d+$/);
  const ended = once(child, 'exit');
  const onStage = '[ "$(pgrep -c -x systemd-network)" -gt 1 ]';
  await host.sh(`until ${onStage}; do sleep 0.02; done; kill -KILL ${pid}`);
  await ended;
  await host.sh(`while ${onStage} || pgrep -f "[r]ehearse serve" >/dev/null; do sleep 0.05; done`);
  assert.deepEqual(await changedSince(host, before), []);
});
