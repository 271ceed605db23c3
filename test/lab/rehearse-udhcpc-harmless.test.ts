/** A rehearsal with the real udhcpc leaves the host as it was: its files, network, processes, and the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDS, endRehearsal, SLEEPS } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { noUdhcpc } from '../parts/lab/udhcpc.ts';
import { UDHCPC_WAYS, udhcpcScene } from '../parts/lab/udhcpc-events.ts';

const options = { skip: noUdhcpc, concurrency: 2 };
const CONF = '/etc/udhcpc/udhcpc.conf';

/** Each is the last text of a file that the script sources; the host must not notice any. */
const LINES: Record<string, string> = {
  'removes files': 'rm -rf /etc/udhcpc /etc/hostname /run/holdfast /run/lab; echo x >/usr/rehearsed',
  'takes the network down': 'ip link del eth0; ip route flush table main; echo 1 >/proc/sys/net/ipv4/ip_forward',
  'kills all it sees': 'kill -9 -1',
  'has the host’s udhcpc go': 'kill "$(cat /run/lab/udhcpc.pid)"; killall udhcpc; echo x >/dev/events',
  'undoes the stage':
    'umount -l / /etc /run /proc /dev /sys; mount -t tmpfs t /etc; nsenter -t 1 -a true; nsenter --net=/proc/1/fd/8 ip addr add 10.77.0.1/24 dev peer0',
};

test('rehearse: with destructive lines in udhcpc.conf the host stays as it was', options, async (t) => {
  const lines = Object.entries(LINES).map(([name, text]) =>
    t.test(name, async () => {
      await using scene = await quietHost();
      const { host } = scene;
      await append(host, text);
      const before = await fingerprint(host);
      const wire = await traffic(host);
      const { code, stdout, stderr } = await host.agent('rehearse', 'lease', '--reason', 'RENEW', 'REBOOT', '--json');
      assert.ok(code === 0 || code === 2 || code === 4, stdout + stderr);
      JSON.parse(stdout);
      assert.deepEqual(await changedSince(host, before), []);
      assert.deepEqual(await traffic(host), wire, 'no packet, no event');
    }),
  );
  await Promise.all(lines);
});

test('rehearse control: the look sees a renewal of udhcpc', options, async () => {
  await using scene = await quietHost();
  const wire = await traffic(scene.host);
  await scene.client.renew();
  const then = await traffic(scene.host);
  assert.notEqual(then[0], wire[0], 'packets');
  assert.notEqual(then[1], wire[1], 'events');
});

test('rehearse: after any end, neither udhcpc nor the server of the stage goes on', options, async (t) => {
  const signals = ENDS.map((signal) =>
    t.test(signal, async () => {
      await using scene = await quietHost();
      const { host } = scene;
      await append(host, SLEEPS);
      const before = await fingerprint(host);
      await endRehearsal(host, signal);
      assert.deepEqual(await changedSince(host, before), []);
    }),
  );
  await Promise.all(signals);
});

/** A host whose udhcpc renews in five minutes, so that every packet and every event is another program's doing. */
async function quietHost() {
  const scene = await udhcpcScene({ lease: 600 });
  const { host } = scene;
  await host.sh('sysctl -qw net.ipv6.conf.all.disable_ipv6=1');
  await UDHCPC_WAYS['held by Holdfast']!(host);
  await host.sh('ip netns exec server ip neigh replace 10.77.0.100 lladdr $(cat /sys/class/net/eth0/address) dev srv0');
  return scene;
}

const append = (host: LabHost, text: string) => host.sh(`cat >>${CONF} <<'END'\n${text}\nEND`);

/** The packets that the host has sent, and the events of its udhcpc. */
async function traffic(host: LabHost): Promise<string[]> {
  const packets = await host.sh('cat /sys/class/net/*/statistics/tx_packets | xargs');
  return [packets, await host.read('/run/lab/events')];
}
