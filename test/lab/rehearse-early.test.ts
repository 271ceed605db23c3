/** A rehearsal of hooks that end the script early, and of a resolv.conf that cannot be read to its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { apply, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();

test('rehearse: a hook that ends the script with 0 is told, and one that links resolv.conf to /proc does not hold the rehearsal up', {
  skip,
}, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  await apply(host);
  const rehearse = async () => {
    const { code, stdout } = await host.agent('rehearse', 'lease', '--reason', 'RENEW', '--json');
    const [{ problems }] = JSON.parse(stdout).interfaces[0].rehearsals;
    return { code, problems: problems.join('\n') };
  };
  assert.deepEqual((await rehearse()).problems, '');
  for (const [file, text] of [
    ['/etc/dhcp/dhclient-enter-hooks.d/aa-site', 'exit 0\n'],
    ['/etc/dhcp/dhclient-exit-hooks', '[ "$reason" = RENEW ] && exit 0\n'],
  ] as const) {
    await host.write(file, text);
    const early = await rehearse();
    assert.equal(early.code, 2, file);
    assert.match(early.problems, /ends before its exit hooks because a hook calls exit/, file);
    await host.sh(`rm ${file}`);
  }
  await host.write('/etc/dhcp/dhclient-exit-hooks.d/zzz-site', 'ln -sf /proc/kmsg /etc/resolv.conf\n');
  const linked = await rehearse();
  // One that waits for /proc/kmsg does not come to its end, and has no verdict.
  assert.equal(linked.code, 2);
  assert.match(linked.problems, /resolv\.conf: nameserver is missing/);
});

test('rehearse: an alternative name of an interface is refused with its own name', { skip }, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  await host.sh('ip link property add dev eth0 altname device-number-1 altname eni-0123456789abcdef0');
  const configured = async (name: string) => {
    await host.write(
      '/etc/holdfast/agent.yaml',
      `dhclient: { interfaces: { ${name}: { supersede: { ntp-servers: 10.0.0.1 } } } }\n`,
    );
    return host.agent('apply');
  };
  const short = await configured('device-number-1');
  assert.equal(short.code, 4);
  assert.match(short.stdout, /device-number-1 is an alternative name of eth0.*write eth0 under dhclient\.interfaces/);
  const long = await configured('eni-0123456789abcdef0');
  assert.equal(long.code, 1);
  assert.match(long.stdout + long.stderr, /eni-0123456789abcdef0.*ip link show eni-0123456789abcdef0/);
  assert.equal((await configured('eth0')).code, 0);
  assert.equal((await configured('usb0')).code, 0, 'one that is not there yet is waited for');
});
