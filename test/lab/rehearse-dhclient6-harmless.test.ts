/** A rehearsal with the real `dhclient -6` leaves the host as it was: its files, both families of its network, processes, the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dhclient6Scene } from '../parts/lab/dhclient6-events.ts';
import { ENDS, endRehearsal, SLEEPS } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { apply } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };
const HOOK = '/etc/dhcp/dhclient-enter-hooks.d/aa-neighbour';

/** Each is a hook's whole text; the host must not notice any. */
const HOOKS: Record<string, string> = {
  'removes files': 'rm -rf /etc/dhcp /etc/hostname /var/lib/dhcp /run/holdfast; echo x >/usr/rehearsed',
  'takes IPv6 down':
    'ip -6 route flush table main; ip -6 addr flush dev eth0; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
  'kills all it sees': 'kill -9 -1',
  'undoes the stage':
    'umount -l / /etc /run /proc /dev /sys; nsenter -t 1 -a true; nsenter --net=/proc/1/fd/8 ip addr add 2001:db8::1/64 dev peer0',
};

test('rehearse: with a destructive hook of dhclient -6 the host stays as it was', options, async (t) => {
  const hooks = Object.entries(HOOKS).map(([name, text]) =>
    t.test(name, async () => {
      await using scene = await dhclient6Scene({ lease: 600, renewEvery: 300 });
      const { host } = scene;
      await apply(host);
      await host.write(HOOK, `${text}\n`);
      const before = await fingerprint(host);
      const wire = await heard(host);
      const { code, stdout, stderr } = await host.agent('rehearse', 'lease', '--reason', 'RENEW6', 'REBOOT6', '--json');
      assert.ok(code === 0 || code === 2 || code === 4, stdout + stderr);
      JSON.parse(stdout);
      assert.deepEqual(await changedSince(host, before), []);
      assert.equal(await heard(host), wire, 'no packet of DHCPv6');
    }),
  );
  await Promise.all(hooks);
});

test('rehearse control: the look sees what a hook does to the host’s own IPv6', options, async () => {
  await using scene = await dhclient6Scene({ lease: 600, renewEvery: 300 });
  const { host } = scene;
  const before = await fingerprint(host);
  const wire = await heard(host);
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
  assert.notDeepEqual(await changedSince(host, before), [], 'a setting');
  await scene.client.kill();
  await host.sh('dhclient -6 -1 -sf /bin/true -lf /run/lab/other -pf /run/lab/other.pid eth0');
  assert.notEqual(await heard(host), wire, 'packets of DHCPv6');
});

test('rehearse: after any end, neither dhclient -6 nor the server of the stage goes on', options, async (t) => {
  const signals = ENDS.map((signal) =>
    t.test(signal, async () => {
      await using scene = await dhclient6Scene({ lease: 600, renewEvery: 300 });
      const { host } = scene;
      await host.write(HOOK, `${SLEEPS}\n`);
      const before = await fingerprint(host);
      await endRehearsal(host, signal, { what: 'lease --reason REBOOT6' });
      assert.deepEqual(await changedSince(host, before), []);
    }),
  );
  await Promise.all(signals);
});

/** The messages of DHCPv6 that came to the real server. */
const heard = async (host: LabHost) =>
  (await host.sh('ip netns exec server cat /proc/net/snmp6 | awk \'$1 == "Udp6InDatagrams" { print $2 }\'')).trim();
