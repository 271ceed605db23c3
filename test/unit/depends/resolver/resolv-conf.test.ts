/** resolv.conf now: the host's own, and every other one that a running program sees. Real mount namespaces. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolvConfSource } from '../../../../agent/depends/resolver/resolv-conf-source.ts';
import { containerOf } from '../../../../agent/host/process/containers.ts';
import { allPrograms } from '../../../../agent/host/process/programs.ts';
import { around, ask, places, seeing } from '../../../parts/depends-scene.ts';
import { noNamespaces, scratch } from '../../../parts/scratch.ts';

const skip = noNamespaces('unshare');

test('resolv.conf: the host’s own file: by value, beyond the third server too, and the sortlist only if it is asked for', async (t) => {
  const text =
    'nameserver ::FFFF:10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n#nameserver 10.0.0.5\nsortlist 10.0.0.9/255.255.255.255\n';
  const source = resolvConfSource(around(t, { files: { 'etc/resolv.conf': text } }));
  const { found, unseen } = await ask(source);
  assert.deepEqual(
    places(found),
    [1, 2, 3, 4].map((n) => `10.0.0.${n} /etc/resolv.conf:${n}`),
  );
  assert.match(found[3]!.reason, /libc itself reads only the first 3/);
  assert.deepEqual(unseen, []);
  assert.deepEqual(places((await ask(source, '10.0.0.9')).found), ['10.0.0.9 /etc/resolv.conf:6']);
  assert.deepEqual((await ask(source, '10.0.0.5')).found, []);
});

test('resolv.conf: programs with another resolv.conf are named once for each file, and those with the host’s own are not', {
  skip,
}, async (t) => {
  const one = await seeing(t, 'nameserver 10.0.0.1\n');
  const other = await seeing(t, 'search x\nnameserver 10.0.0.2\n');
  const scene = around(t, {
    files: { 'etc/resolv.conf': 'nameserver 10.9.9.9\n' },
    running: [one, { ...one, pid: one.pid }, other],
  });
  const { found, unseen } = await ask(resolvConfSource(scene), '10.0.0.1', '10.0.0.2');
  assert.deepEqual(unseen, []);
  assert.deepEqual(places(found), [
    `10.0.0.1 /proc/${one.pid}/root/etc/resolv.conf:1`,
    `10.0.0.2 /proc/${other.pid}/root/etc/resolv.conf:2`,
  ]);
  assert.match(found[1]!.who, new RegExp(`sleep\\[${other.pid}\\]$`));
});

test('resolv.conf: a hostile resolv.conf in a container is unseen, not "no"; a program that has ended is nothing', {
  skip,
}, async (t) => {
  const folder = scratch(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const pipe = await seeing(t, '', `mount --bind ${folder}/pipe /etc/resolv.conf`);
  const long = await seeing(t, `${'#'.repeat(70_000)}\nnameserver 10.0.0.1\n`);
  const gone = { ...pipe, pid: 2 ** 22 + 1, tree: 'gone' };
  const scene = around(t, { files: { 'etc/resolv.conf': '' }, running: [pipe, long, gone] });
  const { found, unseen } = await ask(resolvConfSource(scene), '10.0.0.1');
  assert.deepEqual(found, []);
  assert.equal(unseen.length, 2);
  assert.match(unseen[0]!.reason, /named pipe/);
  assert.match(unseen[1]!.reason, /larger than 64 KiB/);
});

test('resolv.conf: programs whose files may not be seen are unseen together', async (t) => {
  const hidden = { ...allPrograms()[0]!, tree: null, mounts: null };
  const scene = around(t, { files: { 'etc/resolv.conf': '' }, running: [hidden, hidden] });
  const { unseen } = await ask(resolvConfSource(scene), '10.0.0.1');
  assert.match(unseen[0]!.reason, /and 1 more program may see another/);
});

test('containers are known by their control groups', () => {
  const id = 'a'.repeat(64);
  for (const [groups, engine, name] of [
    [`0::/system.slice/docker-${id}.scope\n`, 'docker', id],
    [`12:cpu:/docker/${id}\n`, 'docker', id],
    [`0::/machine.slice/libpod-${id}.scope/container\n`, 'podman', id],
    [`0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n`, 'pod', id],
    ['0::/lxc.payload.web\n', 'lxc', 'web'],
    ['0::/machine.slice/machine-my\\x2dbox.scope\n', 'machine', 'my-box'],
  ] as const)
    assert.deepEqual(containerOf(groups), { engine, id: name });
  assert.equal(containerOf('0::/system.slice/nginx.service\n'), null);
});
