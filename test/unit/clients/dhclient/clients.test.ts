/** A running dhclient is recognised by its command line, whoever started it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { clientName, dhcpClients, parseClient, staleSince } from '../../../../agent/clients/dhclient/running.ts';
import { Host } from '../../../../agent/host/host.ts';
import { fill, scratch } from '../../../parts/scratch.ts';

const notRoot = process.getuid?.() === 0 ? false : 'needs root, to be another user';

const parse = (line: string) => parseClient({ pid: 7, started: 0, sinceBoot: 0, arguments: line.split(' ') });

test("running dhclients: the command lines of Debian's ifup, RHEL, cloud images and people are recognised", () => {
  const ifup = parse(
    '/sbin/dhclient -4 -v -i -pf /run/dhclient.eth0.pid -lf /var/lib/dhcp/dhclient.eth0.leases -I -df /var/lib/dhcp/dhclient6.eth0.leases eth0',
  );
  assert.deepEqual([ifup.family, ifup.interfaces, ifup.confFile], [4, ['eth0'], '/etc/dhcp/dhclient.conf']);
  assert.equal(ifup.leaseFile, '/var/lib/dhcp/dhclient.eth0.leases');
  assert.equal(clientName(ifup), 'dhclient[7] on eth0');

  const six = parse('dhclient -6 -cf /etc/six.conf -sf /opt/script -D LL --dad-wait-time 5 eth0 eth1');
  assert.deepEqual(
    [six.family, six.interfaces, six.confFile, six.script],
    [6, ['eth0', 'eth1'], '/etc/six.conf', '/opt/script'],
  );

  for (const form of ['-S', '-P -N', '-T'])
    assert.equal(parse(`dhclient ${form} eth0`).family, 6, `${form} implies -6`);
  assert.equal(parse('dhclient -cf -6 eth0').family, 4, 'the name of a file is no flag');

  const red = parse('/sbin/dhclient -1 -q -H host -timeout 300 -lf /var/lib/dhclient/x.lease -pf /run/x.pid eth0');
  assert.deepEqual(red.interfaces, ['eth0']);

  const all = parse('dhclient');
  assert.deepEqual([all.interfaces, clientName(all)], [[], 'dhclient[7] on all interfaces']);
  assert.equal(parse('dhclient -cf').confFile, '');
});

test('running dhclients: a dhclient of another program is known by its own configuration', () => {
  const manager = parse(
    '/sbin/dhclient -d -q -sf /usr/libexec/nm-dhcp-helper -pf /run/NetworkManager/x.pid -cf /var/lib/NetworkManager/dhclient-eth0.conf eth0',
  );
  assert.equal(manager.owner, 'NetworkManager');
  assert.equal(parse('dhclient -cf /run/wicked/x.conf eth0').owner, 'wicked');
  assert.equal(parse('dhclient eth0').owner, null);
});

test("running dhclients: another user's process is nobody's DHCP client, nor is a program of root's that it started", {
  skip: notRoot,
}, async (t) => {
  const root = scratch(t);
  chmodSync(root, 0o755);
  copyFileSync('/bin/sleep', join(root, 'dhclient'));
  for (const mode of [0o755, 0o4755]) {
    chmodSync(join(root, 'dhclient'), mode);
    const child = spawn(join(root, 'dhclient'), ['600'], { stdio: 'ignore', uid: 65_534, gid: 65_534 });
    t.after(() => child.kill());
    await once(child, 'spawn');
    await setImmediate(); // what was seen in this turn of the loop is not looked at again
    assert.equal(readFileSync(`/proc/${child.pid}/comm`, 'utf8'), 'dhclient\n');
    assert.ok(!dhcpClients(new Host({ root, live: true })).some(({ pid }) => pid === child.pid));
    await setImmediate();
  }
});

test('running dhclients: a running process is found by its name, with its arguments; its configuration is stale once changed', async (t) => {
  const root = scratch(t, { 'etc/dhcp/dhclient.conf': 'timeout 60;\n' });
  copyFileSync('/bin/sleep', join(root, 'dhclient'));
  const child = spawn(join(root, 'dhclient'), ['600'], { stdio: 'ignore' });
  t.after(() => child.kill());
  await once(child, 'spawn');
  await setImmediate();
  const host = new Host({ root, live: true });
  const client = dhcpClients(host).find(({ pid }) => pid === child.pid);
  assert.ok(client !== undefined);
  assert.deepEqual(client.arguments, [join(root, 'dhclient'), '600']);
  assert.ok(Math.abs(client.started - Date.now()) < 60_000, 'milliseconds since the epoch');

  assert.equal(staleSince(host, { ...client, started: Date.now() + 60_000 }), null);
  fill(root, { 'etc/dhcp/dhclient.conf': 'timeout 61;\n' });
  assert.notEqual(staleSince(host, { ...client, started: client.started - 60_000 }), null);
  assert.equal(staleSince(host, { ...client, confFile: '/no/such' }), null);
});

test('running dhclients: a host that is not the running one has no processes', (t) => {
  assert.deepEqual(dhcpClients(new Host({ root: scratch(t) })), []);
});

test('running dhclients: the file behind a link is the configuration that counts', (t) => {
  const root = scratch(t, { 'srv/real.conf': 'x\n', 'etc/dhcp/x': '' });
  symlinkSync('/srv/real.conf', join(root, 'etc/dhcp/dhclient.conf'));
  const host = new Host({ root });
  assert.notEqual(staleSince(host, parse('dhclient eth0')), null);
});
