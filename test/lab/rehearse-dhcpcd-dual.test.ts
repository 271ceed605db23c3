/** Each rehearsal of a dhcpcd with IPv6 foretells what the real event makes of the host: DHCPv4, DHCPv6 and a router at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noAdvertising } from '../parts/lab/advertising.ts';
import { ADVERTISED_SERVERS } from '../parts/lab/bird-router.ts';
import { Dhcpcd, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { dualDhcpcdScene } from '../parts/lab/dhcpcd-dual-events.ts';
import { hooksEnded } from '../parts/lab/dhcpcd-events.ts';
import { LONG6, SERVERS6, withoutVxlan } from '../parts/lab/dual-network.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { foretell, foretellBoot } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { apply, NEW, nameservers, OLD } from '../parts/lab/scene.ts';

const options = { skip: noAdvertising(noDhcpcd), concurrency: 7 };

test('rehearse: the next event of a dhcpcd with both families is foretold', options, async (t) => {
  await eventsAreForetold(t, 'dhcpcd, both families', ({ event, isHeld }) => {
    const addresses = event === 'TIMEOUT' || event === 'EXPIRE6' ? 2 : 3;
    if (isHeld) return { addresses, servers: NEW };
    // A dhcpcd that remembers the old file keeps the old servers of IPv4; one that reads the file has the new ones.
    const four = event.endsWith('6') ? OLD : NEW;
    const six = [...(event === 'EXPIRE6' ? [] : SERVERS6), ...ADVERTISED_SERVERS];
    return { addresses, asWanted: false, servers: [...(event === 'TIMEOUT' ? [] : four), ...six] };
  });
});

test('rehearse: with a dhcpcd of both families the host and its dhcpcd notice nothing', options, async () => {
  await using scene = await dualDhcpcdScene(LONG6);
  const { host, client, router } = scene;
  await apply(host);
  const far = 'nsenter --net=/proc/1/fd/8';
  const hook = `ip -6 addr flush dev eth0; rm -f /var/lib/dhcpcd/*; ${far} ip link del peer0; ${far} ip link del far-frames`;
  await host.write('/etc/dhcpcd.exit-hook', `case "$reason" in RENEW6 | BOUND6 | REBOOT6) ${hook} ;; esac\n`);
  // What the router still brings is not the rehearsal's doing.
  await router.stop();
  await hooksEnded(host);
  const before = await fingerprint(host);
  const from = client.log.lines.length;
  for (const args of [['lease', '--reason', 'RENEW6', 'REBOOT'], ['boot']]) {
    const { code, stdout, stderr } = await host.agent('rehearse', ...args, '--json');
    assert.ok(code === 2 || code === 4, stdout + stderr);
    assert.deepEqual(await changedSince(host, before), []);
  }
  const heard = client.log.lines.slice(from).filter((line) => /Router Advertisement|executing|received/.test(line));
  assert.deepEqual(heard, [], 'no advertisement, answer or signal of the stage');
});

test('rehearse: `dhcpcd -6` has its own events, and `dhcpcd -4` none of IPv6', options, async () => {
  await using scene = await dualDhcpcdScene(LONG6);
  const { host, client } = scene;
  await client.kill();
  const six = Dhcpcd.start(host, ['-6', 'eth0']);
  await six.log.until(/executing: .*dhcpcd-run-hooks (REBOOT6|REBIND6)$/);
  const foretold = await foretellBoot(host, 6);
  assert.deepEqual([foretold.reason, foretold.addresses.after.length], ['REBOOT6', 2]);
  assert.ok(nameservers(foretold.resolvConf.after ?? '').includes(SERVERS6[0]!), foretold.output);
  await six.kill();
  await Dhcpcd.start(host, ['-4', 'eth0']).log.until(/executing: .*dhcpcd-run-hooks (BOUND|REBOOT)$/);
  const { addresses } = await foretell(host, 'REBOOT');
  assert.equal(addresses.after.length, 1);
});

test('rehearse: where the kernel has no VXLAN device, IPv4 is played and the rest is said', {
  skip: noDhcpcd,
}, async () => {
  await using scene = await dualDhcpcdScene(LONG6);
  const { host } = scene;
  await withoutVxlan(host);
  const { addresses, notes } = await foretell(host, 'REBOOT');
  assert.equal(addresses.after.length, 1);
  assert.match(
    notes.join('\n'),
    /the name servers 2001:db8::31, 2001:db8::32 from router advertisements, and this kernel has no bridge or VXLAN device/,
  );
  const { stdout } = await host.agent('rehearse', 'lease', '--reason', 'RENEW6', '--json');
  assert.match(stdout, /RENEW6: this kernel has no bridge or VXLAN device to send router advertisements with/);
});
