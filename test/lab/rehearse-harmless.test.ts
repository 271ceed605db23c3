/** A rehearsal leaves the host as it was, whatever its hooks do, and however it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDS, endRehearsal, SLEEPS } from '../parts/lab/ended-rehearsal.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { apply, staleHost } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };
const HOOK = '/etc/dhcp/dhclient-enter-hooks.d/aa-neighbour';

/** Each is a hook's whole text; the host must not notice any. */
const HOOKS: Record<string, string> = {
  'removes files':
    'rm -rf /etc/dhcp /etc/hostname /var/lib/dhcp /run/holdfast; echo x >/usr/rehearsed; touch /rehearsed',
  'takes the network down': 'ip link del eth0; ip link set lo down; ip route flush table main; ip addr flush dev eth0',
  'sets the kernel': `echo 1 >/proc/sys/net/ipv4/ip_forward; echo 7 >/proc/sys/net/ipv4/conf/eth0/arp_ignore
echo 65 >/proc/sys/vm/swappiness; echo rehearsed >/proc/sys/kernel/core_pattern; echo h >/proc/sysrq-trigger
hostname rehearsed; date -s @0; echo rehearsed >/proc/sys/kernel/hostname`,
  'kills all it sees': 'kill -9 -1',
  stays: '(trap "" TERM HUP; while :; do sleep 0.2; done) & setsid sleep 4321 &',
  'kills, from behind': 'setsid sh -c "while :; do kill -9 -1; done" & setsid sh -c "while kill -9 -1; do :; done" &',
  'talks to the host': `for socket in /run/lab/service /var/lib/lab.service; do
    python3 -c "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b'stop')" $socket; done`,
  'undoes the stage':
    'umount -l / /etc /run /proc /dev /sys; mount -t tmpfs t /etc; mount -o remount,rw /proc; nsenter -t 1 -a true; unshare -m true',
  'reaches for the far side':
    'cat </proc/1/fd/8; nsenter --net=/proc/1/fd/8 ip addr add 10.77.0.1/24 dev peer0; echo x >/proc/1/fd/1; : >/proc/1/mem',
  'fills the disk':
    'head -c 400000000 /dev/zero >/var/tmp/full; head -c 60000000 /dev/zero >/dev/shm/full; yes | head -c 30000000',
};

test('rehearse: a destructive hook leaves the host as it was', options, async (t) => {
  const hooks = Object.entries(HOOKS).map(([name, text]) =>
    t.test(name, async () => {
      await using scene = await staleHost({});
      const { host } = scene;
      await apply(host);
      await host.write(HOOK, `${text}\n`);
      await serve(host);
      const before = await fingerprint(host);
      const { code, stdout, stderr } = await host.agent('rehearse', 'lease', '--reason', 'REBOOT', 'EXPIRE', '--json');
      assert.deepEqual(await changedSince(host, before), []);
      assert.ok(code === 0 || code === 2 || code === 4, stdout + stderr);
      JSON.parse(stdout);
      assert.equal(await host.exists('/run/lab/served'), false, 'no service was reached');
    }),
  );
  await Promise.all(hooks);
});

test('rehearse control: the fingerprint sees what these hooks do to the host itself', options, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  const before = await fingerprint(host);
  for (const name of ['removes files', 'takes the network down', 'sets the kernel', 'stays']) {
    if (name === 'sets the kernel') await host.sh('echo 1 >/proc/sys/net/ipv4/ip_forward');
    else
      await host.run(['sh', '-c', HOOKS[name]!.replace(/setsid sleep/, 'sleep').replaceAll('&', '>/dev/null 2>&1 &')]);
    assert.notDeepEqual(await changedSince(host, before), [], name);
  }
});

test('rehearse: after any end, no process of it goes on', options, async (t) => {
  const signals = ENDS.map((signal) =>
    t.test(signal, async () => {
      await using scene = await staleHost({});
      const { host } = scene;
      await host.write(HOOK, `${SLEEPS}\n`);
      const before = await fingerprint(host);
      await endRehearsal(host, signal, { what: 'lease --reason RENEW' });
      assert.deepEqual(await changedSince(host, before), []);
    }),
  );
  await Promise.all(signals);
});

test('rehearse: without the right to make namespaces it says so, and does nothing', options, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  const { code, stderr } = await host.run(['setpriv', '--bounding-set', '-sys_admin', 'agent', 'rehearse', 'lease']);
  assert.equal(code, 4);
  assert.match(stderr, /may not make namespaces, which needs root with CAP_SYS_ADMIN/);
});

/** A host's program that listens: at the socket of a service, in /run and elsewhere. */
async function serve(host: LabHost): Promise<void> {
  const program = `import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
print('listening', flush=True)
s.accept(); open('/run/lab/served', 'w')`;
  for (const socket of ['/run/lab/service', '/var/lib/lab.service']) {
    const child = host.spawn(['python3', '-c', program, socket]);
    await new Log(child.stdout!).until(/listening/);
  }
}
