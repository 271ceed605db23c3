/** A rehearsal with the real dhcpcd leaves the host as it was: its files, network, processes, and the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDhcpServer } from '../parts/lab/dhcp.ts';
import { dhcpcdHost, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { ENDS, endRehearsal, SLEEPS } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { apply } from '../parts/lab/scene.ts';

type Scene = Awaited<ReturnType<typeof dhcpcdHost>>;

const options = { skip: noDhcpcd, concurrency: 2 };
const HOOK = '/etc/dhcpcd.exit-hook';

/** Each is a hook's whole text; the host must not notice any. */
const HOOKS: Record<string, string> = {
  'removes files': 'rm -rf /etc/dhcpcd.conf /var/lib/dhcpcd /run/dhcpcd /run/holdfast; echo x >/usr/rehearsed',
  'takes the network down': 'ip link del eth0; ip route flush table main; echo 1 >/proc/sys/net/ipv4/ip_forward',
  'kills all it sees': 'kill -9 -1',
  'has the host’s dhcpcd go': 'dhcpcd -k eth0; dhcpcd -x eth0; pkill -KILL dhcpcd; echo x >/dev/events',
  'undoes the stage':
    'umount -l / /etc /run /proc /dev /sys; mount -t tmpfs t /etc; nsenter -t 1 -a true; nsenter --net=/proc/1/fd/8 ip addr add 10.77.0.1/24 dev peer0',
};

test('rehearse: with a destructive hook of dhcpcd the host stays as it was', options, async (t) => {
  const hooks = Object.entries(HOOKS).map(([name, text]) =>
    t.test(name, async () => {
      await using scene = await quietHost();
      const { host } = scene;
      await apply(host);
      await host.write(HOOK, `${text}\n`);
      const before = await fingerprint(host);
      const wire = await traffic(scene);
      const { code, stdout, stderr } = await host.agent('rehearse', 'lease', '--reason', 'RENEW', 'REBOOT', '--json');
      assert.ok(code === 0 || code === 2 || code === 4, stdout + stderr);
      JSON.parse(stdout);
      assert.deepEqual(await changedSince(host, before), []);
      assert.deepEqual(await traffic(scene), wire, 'no packet, no signal, no event');
    }),
  );
  await Promise.all(hooks);
});

test('rehearse control: the look sees a renewal on the wire, and a signal', options, async () => {
  await using scene = await quietHost();
  const { host, client } = scene;
  const wire = await traffic(scene);
  await host.sh('pkill -HUP -o -x dhcpcd');
  await client.events(1);
  const then = await traffic(scene);
  assert.notEqual(then[0], wire[0], 'packets');
  assert.notDeepEqual(then.slice(1), wire.slice(1), 'dhcpcd’s own words');
});

test('rehearse: after any end, neither dhcpcd nor the server of the stage goes on', options, async (t) => {
  const signals = ENDS.map((signal) =>
    t.test(signal, async () => {
      await using scene = await quietHost();
      const { host } = scene;
      await host.write(HOOK, `${SLEEPS}\n`);
      const before = await fingerprint(host);
      await endRehearsal(host, signal);
      assert.deepEqual(await changedSince(host, before), []);
    }),
  );
  await Promise.all(signals);
});

/** A host whose dhcpcd has its lease for long, so that every packet and every event is another program's doing. */
async function quietHost() {
  const scene = await dhcpcdHost({ renewEvery: 3, lease: 600 });
  const { host, client, server } = scene;
  await host.sh('sysctl -qw net.ipv6.conf.all.disable_ipv6=1');
  await server.stop();
  await startDhcpServer(host, { renewEvery: 300, lease: 600 });
  await client.log.until(/renew in 300 seconds/, client.log.lines.length);
  await host.sh(`ip netns exec server ip neigh replace 10.77.0.100 lladdr $(cat /sys/class/net/eth0/address) dev srv0`);
  await host.sh('while pgrep -f "^/bin/sh .*dhcpcd-run-hooks" >/dev/null; do sleep 0.05; done');
  return scene;
}

/**
 * The packets that the host has sent, and what its dhcpcd has said: a line for each signal and event. A question what it
 * remembers (`dhcpcd -U`) changes nothing.
 */
async function traffic({ host, client }: Scene): Promise<string[]> {
  const packets = await host.sh('cat /sys/class/net/*/statistics/tx_packets | xargs');
  return [packets, ...client.log.lines.filter((line) => !line.startsWith('control'))];
}
