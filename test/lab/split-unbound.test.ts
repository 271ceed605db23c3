/** dns.split with a real unbound: each domain is asked at its own server and nowhere else, and no question is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { askOnAndOn } from '../parts/lab/question-loop.ts';
import {
  apply,
  CORP,
  FROM_CORP,
  FROM_EVERY,
  found,
  restartUnbound,
  SPLIT_YAML,
  splitMoments,
  splitScene,
  startUnbound,
} from '../parts/lab/split.ts';

const skip = unavailable({ unbound: 'unbound' });
const FILE = '/etc/unbound/unbound.conf.d/holdfast-split.conf';
const BASE = '/etc/unbound/unbound.conf.d/base.conf';

test('dns.split, unbound: in force at once by unbound-control, for each domain only there, and no question is lost', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host, every, corp } = scene;
  await startUnbound(host);
  assert.equal(await found(host, 'a.corp.example'), FROM_EVERY, 'control');
  await host.run(['getent', 'hosts', '10.1.2.3']);
  assert.deepEqual(await corp.asked(), [], 'control');

  const loops = [await askOnAndOn(host, '127.0.0.1', 'corp.example'), await askOnAndOn(host, '127.0.0.1', 'example')];
  await apply(host);
  assert.equal(await found(host, 'a.corp.example'), FROM_CORP);
  const [inside, outside] = await Promise.all(loops.map((loop) => loop.end()));
  assert.deepEqual([inside?.lost, outside?.lost], [0, 0]);
  assert.deepEqual(Object.keys(inside?.answers ?? {}), [FROM_EVERY, FROM_CORP]);
  assert.deepEqual(Object.keys(outside?.answers ?? {}), [FROM_EVERY]);

  await every.asked();
  await corp.asked();
  assert.deepEqual([await found(host, 'b.corp.example'), await found(host, 'b.example')], [FROM_CORP, FROM_EVERY]);
  await host.run(['getent', 'hosts', '10.1.2.3']);
  await host.run(['getent', 'hosts', '172.16.2.3']);
  const inCorp = (names: string[]) => names.filter((name) => /corp\.example$|\.in-addr\.arpa$/.test(name)).sort();
  assert.deepEqual(
    [inCorp(await every.asked()), inCorp(await corp.asked())],
    [[], ['3.2.1.10.in-addr.arpa', 'b.corp.example']],
  );
  assert.deepEqual(
    Object.values(await splitMoments(host)).map(({ state }) => state),
    ['ok', 'ok'],
  );
  assert.equal((await host.agent('plan')).code, 0);

  await host.sh('unbound-control forward_remove corp.example.');
  assert.equal(await found(host, 'c.corp.example'), FROM_EVERY);
  assert.match((await splitMoments(host)).now?.reason ?? '', /does not ask these servers for corp\.example/);
  await apply(host);
  assert.equal(await found(host, 'c.corp.example'), FROM_CORP, 'the answer of before is not in the cache');
});

test('dns.split, unbound: without unbound-control it is told by SIGHUP, and its next start reads the file', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host } = scene;
  await startUnbound(host, { control: false });
  await apply(host);
  // unbound reads its files some milliseconds after the signal.
  while ((await found(host, 'a.corp.example')) !== FROM_CORP);
  assert.equal((await splitMoments(host)).now?.state, 'ok');
  await restartUnbound(host);
  assert.equal(await found(host, 'b.corp.example'), FROM_CORP);
  assert.equal((await host.agent('plan')).code, 0);
});

test('dns.split, unbound: a smaller split, revert, and a configuration without it: unbound forgets at once', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host, corp } = scene;
  await startUnbound(host);
  const before = await host.sh('ls -A /etc/unbound/unbound.conf.d');
  await apply(host);
  await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML.replace(', 10.in-addr.arpa', ''));
  await apply(host);
  await corp.asked();
  await host.run(['getent', 'hosts', '10.1.2.3']);
  assert.deepEqual(await corp.asked(), [], 'unbound answers for private addresses itself again');
  for (const away of ['revert', 'configuration']) {
    assert.equal(await found(host, `${away}.corp.example`), FROM_CORP);
    if (away === 'configuration') await host.write('/etc/holdfast/agent.yaml', SPLIT_YAML.replace(/ {2}split.*/, ''));
    const { code, stdout, stderr } = await host.agent(away === 'revert' ? 'revert' : 'apply');
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await found(host, `${away}.corp.example`), FROM_EVERY, 'the answer of before is not in the cache');
    assert.equal(await host.sh('ls -A /etc/unbound/unbound.conf.d'), before);
    if (away === 'revert') await apply(host);
  }
});

test('dns.split, unbound: private addresses are not stripped, and a domain that another file forwards is refused', {
  skip,
}, async () => {
  await using scene = await splitScene();
  const { host } = scene;
  await startUnbound(host, { further: '  private-address: 10.0.0.0/8\n' });
  assert.equal(await found(host, 'a.corp.example'), null, 'control: the answer is a private address');
  await apply(host);
  assert.equal(await found(host, 'b.corp.example'), FROM_CORP);

  await host.agent('revert');
  const theirs = `forward-zone:\n  name: corp.example\n  forward-addr: ${CORP}\n`;
  await host.write(BASE, (await host.read(BASE)) + theirs);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(stdout + stderr, /another file of unbound's configuration forwards corp\.example already/);
  assert.equal(host.exists(FILE), false);
});
