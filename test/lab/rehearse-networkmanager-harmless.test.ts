/** A rehearsal with the real NetworkManager leaves the host as it was: its files, network, processes, its NetworkManager and the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDS, endRehearsal, SLEEPS } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import {
  managedHost,
  managerIsQuiet,
  managerNotices,
  noNetworkManager,
  offersOf,
} from '../parts/lab/networkmanager.ts';
import { apply } from '../parts/lab/scene.ts';

const options = { skip: noNetworkManager, concurrency: 2 };
const SCRIPT = '/etc/NetworkManager/dispatcher.d/50-site';

/** Each is the whole text of a dispatcher script, or of a pre-up one; the host must not notice any. */
const SCRIPTS: Record<string, string> = {
  'removes files': 'rm -rf /etc/NetworkManager /var/lib/NetworkManager /run/NetworkManager; echo x >/usr/rehearsed',
  'takes the network down': 'ip link del eth0; ip route flush table main; echo 1 >/proc/sys/net/ipv4/ip_forward',
  'kills all it sees': 'kill -9 -1',
  'speaks to NetworkManager on the bus':
    'nmcli connection down eth0; nmcli connection delete eth0; nmcli general reload; nmcli networking off',
  'looks for the host’s bus': `for socket in /run/dbus/system_bus_socket /proc/*/root/run/dbus/system_bus_socket; do
      busctl --address="unix:path=$socket" call org.freedesktop.NetworkManager /org/freedesktop/NetworkManager \
        org.freedesktop.NetworkManager Reload u 0
    done`,
  'undoes the stage':
    'umount -l / /etc /run /proc /dev /sys; mount -t tmpfs t /etc; nsenter -t 1 -a true; nsenter --net=/proc/1/fd/8 ip addr add 10.77.0.1/24 dev peer0',
};

test('rehearse: with a destructive dispatcher script the host stays as it was', options, async (t) => {
  const scripts = Object.entries(SCRIPTS).map(([name, text]) =>
    t.test(name, async () => {
      await using scene = await quietHost();
      const { host } = scene;
      await apply(host);
      for (const file of [SCRIPT, '/etc/NetworkManager/dispatcher.d/pre-up.d/50-site'])
        await host.write(file, `#!/bin/sh\n${text}\n`, 0o755);
      const before = await fingerprint(host);
      const noticed = await managerNotices(scene);
      const { code, stdout, stderr } = await host.agent('rehearse', 'lease', '--reason', 'REBOOT', 'REAPPLY', '--json');
      assert.ok(code === 0 || code === 2 || code === 4, stdout + stderr);
      JSON.parse(stdout);
      assert.deepEqual(await changedSince(host, before), []);
      assert.deepEqual(await managerNotices(scene), noticed, 'no frame, no word of NetworkManager, no script');
    }),
  );
  await Promise.all(scripts);
});

test('rehearse control: the look sees what a reload and a lease do to the host', options, async () => {
  await using scene = await quietHost();
  const { host } = scene;
  const noticed = await managerNotices(scene);
  await host.sh('nmcli general reload; nmcli connection up eth0; sleep 0.5');
  const then = await managerNotices(scene);
  assert.notEqual(then[0], noticed[0], 'frames');
  assert.notEqual(then[1], noticed[1], 'scripts');
  assert.notDeepEqual(then.slice(2), noticed.slice(2), 'NetworkManager’s own words');
});

test(
  'rehearse: after any end, neither NetworkManager nor the bus nor the server of the stage goes on',
  options,
  async (t) => {
    const signals = ENDS.map((signal) =>
      t.test(signal, async () => {
        await using scene = await quietHost();
        const { host } = scene;
        await host.write(SCRIPT, `#!/bin/sh\n${SLEEPS}\n`, 0o755);
        const before = await fingerprint(host);
        await endRehearsal(host, signal);
        assert.deepEqual(await changedSince(host, before), []);
      }),
    );
    await Promise.all(signals);
  },
);

/** A host whose NetworkManager has its lease for long, so that every packet and every event is another program's doing. */
async function quietHost() {
  const scene = await managedHost({ lease: 600, offers: offersOf('old.example.com') });
  const { host } = scene;
  await host.sh(`sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip netns exec server sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip netns exec server ip neigh replace 10.77.0.100 lladdr $(cat /sys/class/net/eth0/address) dev srv0`);
  await managerIsQuiet(host);
  return scene;
}
