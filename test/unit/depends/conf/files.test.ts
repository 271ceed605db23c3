/** Files of the host: who names an address, and what cannot be read is unseen, never "no". */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bootFilesSource } from '../../../../agent/depends/conf/conf-source.ts';
import { CONFIGURED_PROGRAMS } from '../../../../agent/depends/conf/list.ts';
import { copiesSource } from '../../../../agent/depends/resolver/copies.ts';
import { around, ask, places } from '../../../parts/depends-scene.ts';

const program = (name: string) => CONFIGURED_PROGRAMS.find((one) => one.name === name)!;

test('boot files: each file of the pattern, with line and statement; other addresses are not named', async (t) => {
  const files = {
    'etc/nginx/nginx.conf': 'http {\n resolver 10.0.0.1 ::ffff:10.0.0.2;\n}\n',
    'etc/nginx/conf.d/b.conf': 'resolver [2001:DB8::1];\n',
    'etc/nginx/other/c.conf': 'resolver 10.0.0.1;\n',
  };
  const source = bootFilesSource(around(t, { files }), program('nginx'));
  assert.deepEqual(places((await ask(source)).found), [
    '10.0.0.1 /etc/nginx/nginx.conf:2',
    '10.0.0.2 /etc/nginx/nginx.conf:2',
    '2001:db8::1 /etc/nginx/conf.d/b.conf:1',
  ]);
  const { found, unseen } = await ask(source, '2001:db8::1');
  assert.deepEqual(places(found), ['2001:db8::1 /etc/nginx/conf.d/b.conf:1']);
  assert.match(found[0]!.reason, /name server \(resolver \[2001:DB8::1\];\)/);
  assert.match(found[0]!.cure, /replace 2001:db8::1 in .*b\.conf:1, then: systemctl reload nginx/);
  assert.deepEqual(unseen, []);
  assert.deepEqual(await ask(source, '10.0.0.3'), { found: [], unseen: [] });
});

test('boot files: the servers of split domains are name servers that are depended on', async (t) => {
  const files = {
    'etc/holdfast/agent.yaml':
      'dns: { nameservers: [127.0.0.1], split: [{ domains: [a.example], servers: [10.0.0.2] }] }\n',
    'etc/dnsmasq.d/holdfast-split.conf': 'servers-file=/etc/dnsmasq.d/.holdfast-split.servers\n',
    'etc/dnsmasq.d/.holdfast-split.servers': 'server=/a.example/10.0.0.2\n',
    'etc/unbound/unbound.conf.d/holdfast-split.conf': 'forward-zone:\n  name: "a.example."\n  forward-addr: 10.0.0.2\n',
  };
  const named = async (name: string) =>
    places((await ask(bootFilesSource(around(t, { files }), program(name)), '10.0.0.2')).found);
  assert.deepEqual(await named('Holdfast'), ['10.0.0.2 /etc/holdfast/agent.yaml:1']);
  assert.deepEqual(await named('dnsmasq'), ['10.0.0.2 /etc/dnsmasq.d/.holdfast-split.servers:1']);
  assert.deepEqual(await named('unbound'), ['10.0.0.2 /etc/unbound/unbound.conf.d/holdfast-split.conf:3']);
});

test('boot files: an address that is no name server counts only if it is asked for', async (t) => {
  const source = bootFilesSource(around(t, { files: { 'etc/hosts': '10.0.0.1 ns\n' } }), program('hosts file'));
  assert.deepEqual((await ask(source)).found, []);
  assert.deepEqual(places((await ask(source, '10.0.0.1')).found), ['10.0.0.1 /etc/hosts:1']);
});

test('boot files: the list of the addresses that are to be switched off is no dependence on them', async (t) => {
  const files = { 'etc/holdfast/agent.yaml': 'retire: [10.0.0.1, 10.0.0.2]\ndns: { nameservers: [10.0.0.2] }\n' };
  const source = bootFilesSource(around(t, { files }), program('Holdfast'));
  assert.deepEqual((await ask(source, '10.0.0.1')).found, []);
  assert.deepEqual(places((await ask(source, '10.0.0.2')).found), ['10.0.0.2 /etc/holdfast/agent.yaml:2']);
});

test('boot files: a pipe and a huge file are unseen; a folder, a circle and a link to nothing name nothing', async (t) => {
  const scene = around(t, { files: { 'etc/dnsmasq.d/a.conf': 'server=10.0.0.1\n' } });
  const folder = join(scene.host.root, 'etc/dnsmasq.d');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('circle', join(folder, 'circle'));
  symlinkSync('/nowhere', join(folder, 'nothing'));
  writeFileSync(join(folder, 'huge'), '');
  truncateSync(join(folder, 'huge'), 2 * 1024 * 1024);
  const { found, unseen } = await ask(bootFilesSource(scene, program('dnsmasq')), '10.0.0.1');
  assert.deepEqual(places(found), ['10.0.0.1 /etc/dnsmasq.d/a.conf:1']);
  assert.match(
    unseen.map(({ reason }) => reason).join('\n'),
    /^.*huge was not read.*1024 KiB\n.*pipe: it is a named pipe.*$/,
  );
});

test('boot files: a thousand unreadable files are a few sentences, and the rest is counted', async (t) => {
  const scene = around(t, { files: { 'etc/dnsmasq.conf': '' } });
  mkdirSync(join(scene.host.root, 'etc/dnsmasq.d'));
  for (let n = 0; n < 1100; n += 1) {
    const path = join(scene.host.root, `etc/dnsmasq.d/${n}`);
    writeFileSync(path, '');
    truncateSync(path, 2 * 1024 * 1024);
  }
  const { unseen } = await ask(bootFilesSource(scene, program('dnsmasq')), '10.0.0.1');
  assert.equal(unseen.length, 6);
  assert.match(unseen.at(-1)!.reason, /^996 more files could not be read$/);
});

test('copies: chroots and containers that do not run, by line', async (t) => {
  const files = {
    'var/spool/postfix/etc/resolv.conf': 'search x\nnameserver 10.0.0.1\n',
    'etc/netns/blue/resolv.conf': 'nameserver 10.0.0.1\nsortlist 10.0.0.9/255.255.255.255\n',
    'var/lib/docker/containers/0123456789abcdef/resolv.conf': 'nameserver 10.0.0.2\n',
  };
  const source = copiesSource(around(t, { files }));
  assert.deepEqual(
    (await ask(source)).found.map(({ address, who, where }) => `${address} ${who}: ${where}`),
    [
      '10.0.0.1 programs that `ip netns exec blue` starts: /etc/netns/blue/resolv.conf:1',
      '10.0.0.1 Postfix in its chroot: /var/spool/postfix/etc/resolv.conf:2',
      '10.0.0.2 container 0123456789abcdef of Docker at its next start: /var/lib/docker/containers/0123456789abcdef/resolv.conf:1',
    ],
  );
  assert.deepEqual(places((await ask(source, '10.0.0.9')).found), ['10.0.0.9 /etc/netns/blue/resolv.conf:2']);
});
