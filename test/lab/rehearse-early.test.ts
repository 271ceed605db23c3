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
