/** dns.split with a real dnsmasq: each domain is asked at its own server and nowhere else, and no question is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { askOnAndOn } from '../parts/lab/question-loop.ts';
import {
  apply,
  FROM_CORP,
  FROM_EVERY,
  found,
  SPLIT_YAML,
  splitMoments,
  splitScene,
  startDnsmasq,
  stopDnsmasq,
} from '../parts/lab/split.ts';

const skip = unavailable();
const CONF = '/etc/dnsmasq.d/holdfast-split.conf';
const FOREIGN = `require('dgram').createSocket('udp4').bind(53, '127.0.0.1', () => console.log('listens'))`;

test('dns.split, dnsmasq: pending until dnsmasq starts anew; then each domain is asked at its own server only', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host, every, corp } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await startDnsmasq(host);
  assert.equal(await found(host, 'a.corp.example'), FROM_EVERY, 'control');
  assert.deepEqual([await every.asked(), await corp.asked()], [['a.corp.example'], []], 'control');

  const said = await apply(host);
  assert.match(said, /pending: dnsmasq\[\d+\] takes a new servers-file only at its start/);
  const pending = await splitMoments(host);
  assert.equal(pending.boot?.state, 'ok');
  assert.equal(pending.now?.state, 'drifted');
  assert.match(pending.now?.reason ?? '', /pending/);

  await stopDnsmasq(host);
  await startDnsmasq(host);
  assert.deepEqual([await found(host, 'b.corp.example'), await found(host, 'b.example')], [FROM_CORP, FROM_EVERY]);
  await host.run(['getent', 'hosts', '10.1.2.3']);
  await host.run(['getent', 'hosts', '172.16.2.3']);
  assert.deepEqual(
    [await every.asked(), await corp.asked()],
    [['b.example'], ['b.corp.example', '3.2.1.10.in-addr.arpa']],
  );
  const now = await splitMoments(host);
  assert.deepEqual([now.now?.state, now.boot?.state], ['ok', 'ok']);
  assert.equal((await host.agent('plan')).code, 0);
});

test('dns.split, dnsmasq: a later change is in force at once, and no question is lost', { skip }, async () => {
  await using scene = await splitScene(SPLIT_YAML.replace('corp.example, ', 'other.example, '));
  const { host } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await startDnsmasq(host);
  await apply(host);
  await stopDnsmasq(host);
  await startDnsmasq(host);
  assert.equal(await found(host, 'a.other.example'), FROM_CORP);

  const loops = [await askOnAndOn(host, '127.0.0.1', 'corp.example'), await askOnAndOn(host, '127.0.0.1', 'example')];
  await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML);
  await apply(host);
  assert.equal(await found(host, 'c.corp.example'), FROM_CORP);
  const [inside, outside] = await Promise.all(loops.map((loop) => loop.end()));
  assert.deepEqual([inside?.lost, outside?.lost], [0, 0]);
  assert.deepEqual(Object.keys(inside?.answers ?? {}), [FROM_EVERY, FROM_CORP]);
  assert.deepEqual(Object.keys(outside?.answers ?? {}), [FROM_EVERY]);
  assert.equal(await found(host, 'c.other.example'), FROM_EVERY, 'a domain that is no longer split');
  assert.equal((await host.agent('plan')).code, 0);
});

test('dns.split, dnsmasq: revert, and a configuration without it, put all back, and dnsmasq forgets at once', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d; echo "# theirs" >/etc/dnsmasq.d/theirs.conf');
  await startDnsmasq(host);
  await apply(host);
  await stopDnsmasq(host);
  await startDnsmasq(host);
  for (const away of ['revert', 'configuration']) {
    assert.equal(await found(host, 'a.corp.example'), FROM_CORP);
    if (away === 'configuration') await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML.replace(/ {2}split.*/, ''));
    const { code, stdout, stderr } = await host.agent(away === 'revert' ? 'revert' : 'apply');
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await found(host, 'b.corp.example'), FROM_EVERY, away);
    assert.equal(await host.sh('ls -A /etc/dnsmasq.d'), 'theirs.conf\n');
    if (away === 'revert') await apply(host);
  }
});

test('dns.split, dnsmasq: what would keep dnsmasq from starting never gets into its folder', { skip }, async () => {
  await using scene = await splitScene();
  const { host } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d; : >/etc/other.servers');
  await host.write('/etc/dnsmasq.d/theirs.conf', 'servers-file=/etc/other.servers\n');
  await startDnsmasq(host);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(stdout + stderr, /one servers-file only, and \/etc\/dnsmasq\.d\/theirs\.conf names one already/);
  assert.equal(host.exists(CONF), false);
});

test('dns.split, dnsmasq: apply runs nothing that the configuration of the running dnsmasq names', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await host.write('/etc/run.sh', '#!/bin/sh\n: >/etc/ran\n');
  await host.sh('chmod 755 /etc/run.sh');
  await host.write('/etc/dnsmasq.d/theirs.conf', 'conf-script=/etc/run.sh\n');
  await startDnsmasq(host);
  assert.equal(host.exists('/etc/ran'), true, 'control: dnsmasq runs it at its start');
  await host.sh('rm /etc/ran');
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(stdout + stderr, /\/etc\/dnsmasq\.d\/theirs\.conf has conf-script, and Holdfast does not run it/);
  assert.deepEqual([host.exists('/etc/ran'), host.exists(CONF)], [false, false]);
});

test('dns.split: libc alone, a foreign forwarder and a second name server are refused with the cure', {
  skip,
}, async () => {
  await using scene = await splitScene(SPLIT_YAML.replace('127.0.0.1', '10.77.0.11'));
  const { host } = scene;
  const refused = async (reason: RegExp) => {
    const { code, stdout, stderr } = await host.agent('apply');
    assert.equal(code, 4);
    assert.match(stdout + stderr, reason);
    assert.match((await splitMoments(host)).now?.reason ?? '', reason);
  };
  await refused(
    /libc asks 10\.77\.0\.11 itself and cannot ask some domains elsewhere: run dnsmasq, unbound or systemd-resolved/,
  );
  await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML.replace('127.0.0.1', '127.0.0.1, 10.77.0.11'));
  await refused(/libc also asks 10\.77\.0\.11, past the program on this host: leave only 127\.0\.0\.1/);
  await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML);
  await refused(/libc asks 127\.0\.0\.1, and no program listens there/);
  const other = host.spawn([process.execPath, '-e', FOREIGN]);
  await new Log(other.stdout!).until(/listens/);
  await refused(/\S+\[\d+\] listens on 127\.0\.0\.1 port 53, and Holdfast cannot split its names/);
});
