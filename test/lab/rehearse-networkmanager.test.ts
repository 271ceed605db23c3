/** Each rehearsal of NetworkManager foretells what the real event makes of the host: real NetworkManager, real servers, both outcomes compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOLVED_UPLINKS } from '../../agent/clients/resolved.ts';
import { debianPackage } from '../parts/lab/debian-package.ts';
import { cameTrue, foretell, foretellBoot } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { managedHost, noNetworkManager, offersOf, PROFILE } from '../parts/lab/networkmanager.ts';
import { NETWORKMANAGER_EVENTS } from '../parts/lab/networkmanager-events.ts';
import { apply, NEW, nameservers, OLD } from '../parts/lab/scene.ts';

const options = { skip: noNetworkManager, concurrency: 4 };
const LONG = { lease: 600, offers: offersOf('old.example.com') };

/** What NetworkManager makes of the servers where a hand edited resolv.conf and the profile, and had it read neither. */
const BY_HAND: Readonly<Record<string, readonly string[]>> = {
  RENEW: NEW,
  REBIND: NEW,
  RELOAD: OLD,
  REAPPLY: NEW,
  REBOOT: NEW,
  TIMEOUT: NEW,
  boot: NEW,
  NAK: [],
  EXPIRE: [],
};

test('rehearse: NetworkManager’s next event is foretold', options, async (t) => {
  await eventsAreForetold(t, 'NetworkManager', ({ event, isHeld }) => ({ servers: isHeld ? NEW : BY_HAND[event]! }));
});

test('rehearse: what another dispatcher script does is shown beforehand, and comes so', options, async () => {
  await using scene = await managedHost(LONG);
  const { host } = scene;
  await apply(host);
  await host.write(
    '/etc/NetworkManager/dispatcher.d/95-site',
    '#!/bin/sh\necho "ran at $2"\nsleep 1\necho "nameserver 10.66.6.6" >/etc/resolv.conf\nip route replace 10.97.0.0/16 via 10.77.0.9\n',
    0o755,
  );
  assert.doesNotMatch((await foretell(host, 'RENEW')).output, /ran at/, 'a renewal without news is no event');
  const foretold = await foretell(host, 'REBOOT');
  assert.equal(foretold.code, 2);
  assert.match(foretold.output, /ran at up/);
  assert.match(foretold.problems.join('\n'), /nameserver 10\.66\.6\.6, wanted 10\.77\.0\.21 10\.77\.0\.22/);
  assert.ok(foretold.routes.after.includes('10.97.0.0/16 via 10.77.0.9 dev eth0'));
  await NETWORKMANAGER_EVENTS.REBOOT!.happen(scene);
  await cameTrue(host, foretold);
});

test(
  'rehearse: what NetworkManager remembers of its files counts, and what others added to the device',
  options,
  async () => {
    await using scene = await managedHost(LONG);
    const { host } = scene;
    // With the present file NetworkManager would not write resolv.conf, and would have no default route.
    await host.write('/etc/NetworkManager/conf.d/site.conf', '[main]\ndns=none\n');
    const profile = await host.read(PROFILE);
    await host.write(PROFILE, profile.replace('method=auto', 'method=auto\nnever-default=true\ndns=10.77.0.31'), 0o600);
    await host.sh('ip addr add 10.76.0.5/24 dev eth0; ip route add 10.98.0.0/16 via 10.77.0.9');
    const foretold = await foretell(host, 'REAPPLY');
    assert.match(
      foretold.notes.join('\n'),
      /site\.conf changed after NetworkManager\[\d+\] on eth0 started: .* dns=default/,
    );
    assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), ['10.77.0.31', ...OLD]);
    assert.ok(foretold.routes.before?.some((line) => line.startsWith('default')));
    assert.ok(foretold.routes.after.every((line) => !line.startsWith('default')));
    await NETWORKMANAGER_EVENTS.REAPPLY!.happen(scene);
    await cameTrue(host, foretold);
  },
);

test(
  'rehearse: a boot of NetworkManager forgets profiles in memory, and takes all options of the offer',
  options,
  async () => {
    await using scene = await managedHost({
      lease: 600,
      offers: `${LONG.offers} option ntp-servers 10.77.0.98; option interface-mtu 1400;
             option rfc3442-classless-static-routes 16, 10, 99, 10, 77, 0, 9, 0, 10, 77, 0, 1;`,
    });
    const { host } = scene;
    await apply(host);
    await host.sh(`nmcli connection add save no type ethernet ifname eth0 con-name passing ipv4.method manual \
    ipv4.addresses 10.77.0.55/24 connection.autoconnect-priority 99`);
    const foretold = await foretellBoot(host);
    assert.equal(foretold.code, 0, foretold.problems.join('\n'));
    assert.ok(foretold.routes.after.some((route) => route.startsWith('10.99.0.0/16 via 10.77.0.9')));
    await NETWORKMANAGER_EVENTS.boot!.happen(scene);
    await cameTrue(host, foretold);
  },
);

test(
  'rehearse: where libc asks systemd-resolved, the servers that NetworkManager tells it are foretold',
  options,
  async (t) => {
    const resolved = await debianPackage('systemd-resolved');
    if (resolved === null) return t.skip("Debian's package systemd-resolved cannot be had here");
    await using scene = await managedHost(LONG, resolved);
    const { host } = scene;
    const profile = await host.read(PROFILE);
    await host.write(PROFILE, profile.replace('method=auto', 'method=auto\ndns=10.77.0.31'), 0o600);
    for (const [event, servers] of [
      ['RELOAD', OLD],
      ['REAPPLY', ['10.77.0.31', ...OLD]],
      ['REBOOT', ['10.77.0.31', ...OLD]],
    ] as const) {
      const foretold = await foretell(host, event);
      assert.match(foretold.notes.join('\n'), /the name servers are those of \/run\/systemd\/resolve\/resolv\.conf/);
      assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), servers, event);
      await NETWORKMANAGER_EVENTS[event]!.happen(scene);
      await cameTrue(host, foretold, RESOLVED_UPLINKS);
    }
  },
);

test('rehearse: NetworkManager’s other devices are left out, and their name servers are named', options, async () => {
  await using scene = await managedHost(LONG);
  const { host } = scene;
  await host.sh(`nmcli connection add type ethernet ifname other0 ipv4.method manual ipv4.addresses 10.76.0.5/24 \
      ipv4.dns 10.66.6.6 ipv6.method disabled
    ip link add other0 type veth peer name other1; ip link set other1 up
    timeout 20 sh -c 'until grep -q 10.66.6.6 /run/NetworkManager/no-stub-resolv.conf; do sleep 0.1; done'`);
  const { notes } = await foretell(host, 'RENEW');
  assert.match(notes.join('\n'), /NetworkManager has 10\.66\.6\.6 from IPv6 or from another device than eth0/);
});

test('rehearse: what cannot be rehearsed of NetworkManager is said, and why', options, async () => {
  await using scene = await managedHost(LONG);
  const { host } = scene;
  const profile = await host.read(PROFILE);
  const refusal = async () => {
    const { code, stdout, stderr } = await host.agent('rehearse', 'lease');
    assert.equal(code, 4, stdout);
    return stderr;
  };
  await host.write(PROFILE, `${profile}[match]\ndriver=veth\n`, 0o600);
  assert.match(
    await refusal(),
    /eth0\.nmconnection:\d+ matches the device by driver, which a device of the stage does not have/,
  );
  await host.write(PROFILE, profile.replace('method=disabled', 'method=auto\nmay-fail=false'), 0o600);
  assert.match(await refusal(), /eth0\.nmconnection:\d+ waits for IPv6, of which NetworkManager has nothing on record/);
  await host.write(PROFILE, profile.replace('type=ethernet', 'type=wifi'), 0o600);
  assert.match(await refusal(), /eth0\.nmconnection is of the type wifi, and the stage has Ethernet only/);
  await host.write(PROFILE, `${profile}[802-1x]\neap=tls\n`, 0o600);
  assert.match(await refusal(), /eth0\.nmconnection:\d+ wants 802\.1X/);
  await host.write(PROFILE, profile, 0o600);
  await host.write('/etc/NetworkManager/conf.d/client.conf', '[main]\ndhcp=dhclient\n');
  assert.match(await refusal(), /client\.conf:2 sets dhcp=dhclient, and only NetworkManager's own DHCP client/);
  await host.sh('rm /etc/NetworkManager/conf.d/client.conf; mv /usr/bin/dbus-daemon /usr/bin/gone');
  assert.match(await refusal(), /dbus-daemon is not installed/);
});
