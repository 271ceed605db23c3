/** DNS is proved before it stands: what name servers can do wrong, each for real, and what becomes of the host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { startOddNameServer } from '../parts/lab/odd-dns.ts';
import { NEW, nameservers, OLD, type Scene, staleHost } from '../parts/lab/scene.ts';
import type { RunResult } from '../parts/lab/system.ts';

const skip = unavailable();

const NAME = 'puppet.example.com';
const RIGHT = '10.72.1.1';
/** An address without a host. Packets to it are dropped on their way. */
const BLACKHOLE = '192.0.2.53';
const FILES = [
  '/etc/resolv.conf',
  '/etc/dhcp/dhclient.conf',
  '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
  '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast',
];

/** A host whose old servers work. `renewEvery`: seconds. */
async function hostWith(renewEvery = 1): Promise<Scene> {
  const scene = await staleHost({ renewEvery });
  for (const address of OLD) await startNameServer(scene.host, address, { [NAME]: RIGHT });
  assert.equal(await looksUp(scene.host), true);
  return scene;
}

function configure(host: LabHost, servers: readonly string[], { verify = 'timeout: 1s', options = '' } = {}) {
  return host.write(
    '/etc/holdfast/agent.yaml',
    `dns:
  nameservers: [${servers.join(', ')}]
  options: [timeout:1, attempts:1${options}]
${verify === '' ? '' : `  verify: { name: ${NAME}, expect: [10.72.0.0/16], ${verify} }\n`}`,
  );
}

async function looksUp(host: LabHost): Promise<boolean> {
  const { code, stdout } = await host.run(['getent', 'ahostsv4', NAME]);
  return code === 0 && stdout.startsWith(RIGHT);
}

/** Content, mode and absence of all that DNS is held by. */
async function artifacts(host: LabHost): Promise<string> {
  return host.sh(`for f in ${FILES.join(' ')}; do echo "== $f"; stat -c %a $f 2>&1; cat $f 2>&1; done || :`);
}

function said({ stdout, stderr }: RunResult): string {
  return stdout + stderr;
}

async function refuses(host: LabHost, servers: readonly string[], reason: RegExp): Promise<void> {
  await configure(host, servers);
  const before = await artifacts(host);
  assert.match(
    said(await host.agent('plan')),
    /^Before anything of DNS is changed, .* must answer for puppet\.example\.com\.$/m,
  );
  const result = await host.agent('apply');
  assert.equal(result.code, 4, said(result));
  assert.match(said(result), reason);
  assert.equal(await artifacts(host), before);
  assert.equal(host.exists('/var/lib/holdfast/dns-change'), false);
  assert.equal(await looksUp(host), true);
}

test('dns.verify control: without verify a change to dead servers stands, and nothing is found any more', {
  skip,
}, async () => {
  await using scene = await hostWith();
  const { host, client } = scene;
  await configure(host, [BLACKHOLE], { verify: '' });
  assert.equal((await host.agent('apply')).code, 0);
  assert.equal(await looksUp(host), false);
  await client.leased(2);
  assert.equal(await looksUp(host), false, 'and the hook keeps it so');
});

test('servers that do not answer as they should: nothing is changed, and each is named', { skip }, async (t) => {
  await using scene = await hostWith();
  const { host, client } = scene;
  const started = client.leases;
  const answers = { [NAME]: RIGHT };
  await startNameServer(host, '10.77.0.31', {}, ['--local=/#/']);
  await startNameServer(host, '10.77.0.32', { [NAME]: '192.0.2.1' });
  await startNameServer(host, '10.77.0.33', {});
  await startOddNameServer(host, '10.77.0.34', OLD[0], { kind: 'slow', milliseconds: 3_000 });
  await host.sh('ip addr add 10.77.0.35/32 dev srv0', { where: 'server' });

  await t.test('no process there', () =>
    refuses(host, ['10.77.0.35'], /10\.77\.0\.35: no answer by UDP, and no name server listens there by TCP/),
  );
  await t.test('a black hole', () =>
    refuses(host, [BLACKHOLE], /192\.0\.2\.53: no answer within 1 s by UDP, nor by TCP/),
  );
  await t.test('NXDOMAIN for everything', () => refuses(host, ['10.77.0.31'], /10\.77\.0\.31: NXDOMAIN/));
  await t.test('a wrong address', () =>
    refuses(host, ['10.77.0.32'], /10\.77\.0\.32: 192\.0\.2\.1, not in 10\.72\.0\.0\/16/),
  );
  await t.test('REFUSED', () => refuses(host, ['10.77.0.33'], /10\.77\.0\.33: REFUSED/));
  await t.test('slower than the time limit', () =>
    refuses(host, ['10.77.0.34'], /10\.77\.0\.34: no answer within 1 s/),
  );
  await t.test('only by TCP, where the C library asks by UDP', async () => {
    await startOddNameServer(host, '10.77.0.36', OLD[0], { kind: 'tcp-only' });
    await refuses(host, ['10.77.0.36'], /10\.77\.0\.36: it answers only by TCP, and the C library asks by UDP/);
  });
  await t.test('a link-local one behind an interface that this host has not', () =>
    refuses(host, ['fe80::77%eth9'], /fe80::77%eth9: this host has no interface of that name/),
  );
  await t.test('several, each with its own word', () =>
    refuses(
      host,
      ['10.77.0.31', '10.77.0.33', BLACKHOLE],
      /none of 3 name servers answer for puppet\.example\.com: 10\.77\.0\.31: NXDOMAIN; 10\.77\.0\.33: REFUSED; 192\.0\.2\.53: no answer/,
    ),
  );
  await t.test('one whose wrong answer libc would take: the first, or any with rotate', async () => {
    await startNameServer(host, '10.77.0.37', answers);
    const before = await artifacts(host);
    const wrong = ['10.77.0.32', '10.77.0.37'];
    for (const [servers, options, why] of [
      [wrong, '', /asks 10\.77\.0\.32 before the others, and would take its wrong answer/],
      [[...wrong].reverse(), ', rotate', /asks each name server in turn \(options rotate\), and would take/],
    ] as const) {
      await configure(host, servers, { options });
      const result = await host.agent('apply');
      assert.equal(result.code, 4, said(result));
      assert.match(said(result), why);
      assert.match(said(result), /10\.77\.0\.32: 192\.0\.2\.1, not in 10\.72\.0\.0\/16/);
      assert.equal(await artifacts(host), before);
    }
  });
  await t.test('at boot the network waits for one second of it, not for ten', async () => {
    await configure(host, [BLACKHOLE], { verify: 'timeout: 10s' });
    const result = await host.agent('apply', '--boot');
    assert.equal(result.code, 4, said(result));
    assert.match(said(result), /no answer within 1 s/);
  });
  await t.test('what all artifacts have in common is said once', async () => {
    await configure(host, [BLACKHOLE]);
    const output = said(await host.agent('apply'));
    assert.equal(output.split('no answer within').length - 1, 1, output);
    assert.match(output, /failed: for the same reason/);
  });
  await t.test('fewer than the quorum', async () => {
    await startNameServer(host, NEW[0], answers);
    await configure(host, [NEW[0], BLACKHOLE], { verify: 'timeout: 1s, quorum: 2' });
    const before = await artifacts(host);
    const result = await host.agent('apply');
    assert.equal(result.code, 4);
    assert.match(
      said(result),
      /1 of 2 name servers answers for puppet\.example\.com, and 2 must: 192\.0\.2\.53: no answer/,
    );
    assert.equal(await artifacts(host), before);

    await configure(host, ['127.0.0.1', BLACKHOLE], { verify: 'timeout: 10s, quorum: 2' });
    assert.match(
      said(await host.agent('apply')),
      /2 of 2 name servers must answer for puppet\.example\.com, and fewer can: 127\.0\.0\.1: no answer by UDP.*not waited for/,
    );
  });
  await t.test('after all that, five renewals still bring the old servers', async () => {
    await client.leased(5);
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
    assert.equal(await looksUp(host), true);
    assert.ok(client.leases > started && client.declined === 0);
  });
});

test('servers that answer, by UDP or TCP, whole or truncated: the change stands', { skip }, async (t) => {
  await using scene = await hostWith();
  const { host, client } = scene;
  const many = Array.from({ length: 60 }, (_, n) => `10.72.1.${n + 1}`);
  await startNameServer(host, NEW[0], { [NAME]: RIGHT });
  await startNameServer(host, NEW[1], { [NAME]: many });
  await startOddNameServer(host, '10.77.0.34', NEW[0], { kind: 'tcp-only' });

  const stands = async (servers: readonly string[], options = '') => {
    await configure(host, servers, { options });
    const result = await host.agent('apply');
    assert.equal(result.code, 0, said(result));
    assert.match(said(result), /^DNS is proved: /m);
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), servers);
    assert.equal((await host.run(['getent', 'ahosts', NAME])).code, 0);
    assert.equal(host.exists('/var/lib/holdfast/dns-change'), false);
    await client.leased(2);
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), servers);
  };
  await t.test('by UDP', () => stands([NEW[0]]));
  await t.test('a truncated answer is asked for again by TCP', () => stands([NEW[1]]));
  await t.test('one of two is enough, and the dead one is named', async () => {
    await configure(host, [NEW[0], BLACKHOLE]);
    const result = await host.agent('apply');
    assert.equal(result.code, 0);
    assert.match(said(result), /DNS is proved: 1 of 2 name servers answers .*; 192\.0\.2\.53: no answer within 1 s/);
  });
  await t.test('by TCP alone, where the C library is told to use it', () => stands(['10.77.0.34'], ', use-vc'));
});

test('what answers us but not the C library is put back: all three together', { skip }, async (t) => {
  await using scene = await hostWith();
  const { host, client } = scene;
  // Quick enough for dns.verify, too slow for the C library.
  await startOddNameServer(host, '10.77.0.34', OLD[0], { kind: 'slow', milliseconds: 2_000 });
  const before = await artifacts(host);
  await configure(host, ['10.77.0.34'], { verify: 'timeout: 8s' });
  const result = await host.agent('apply');
  assert.equal(result.code, 4, said(result));
  assert.match(
    said(result),
    /put back, because with the new settings this host does not find puppet\.example\.com any more \(before: 10\.72\.1\.1\)/,
  );
  assert.equal(await artifacts(host), before);
  assert.equal(host.exists('/var/lib/holdfast/dns-change'), false);
  assert.equal(await looksUp(host), true);
  await client.leased(5);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  await t.test('revert has nothing left to do', async () => {
    const reverted = await host.agent('revert');
    assert.equal(reverted.code, 0, said(reverted));
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
    assert.equal(host.exists('/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast'), false);
  });
});

test('dns.verify: a proved change is put right again without asking anybody, also when its servers are dead', {
  skip,
}, async () => {
  await using scene = await hostWith(600); // a renewal would be quicker than us
  const { host } = scene;
  const server = await startNameServer(host, NEW[0], { [NAME]: RIGHT });
  await configure(host, [NEW[0]]);
  assert.equal((await host.agent('apply')).code, 0);
  const proved = await artifacts(host);
  await server.stop();

  const again = await host.agent('apply', '--detailed-exitcodes');
  assert.equal(again.code, 0, 'a no-op asks nobody');
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.66\n');
  const healed = await host.agent('apply', '--detailed-exitcodes');
  assert.equal(healed.code, 2, said(healed));
  assert.match(await host.read('/etc/resolv.conf'), new RegExp(`^nameserver ${NEW[0]}$`, 'm'));
  await host.sh(`rm ${FILES[2]}`);
  assert.equal((await host.agent('apply')).code, 0);
  assert.equal((await artifacts(host)).split('== ')[3], proved.split('== ')[3]);
});

test('dns.verify: what the old servers said may lie outside of what is expected: the look-up afterwards counts all the same', {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  for (const address of OLD) await startNameServer(host, address, { [NAME]: '10.71.1.1' });
  await startNameServer(host, NEW[0], { [NAME]: RIGHT });
  await startOddNameServer(host, '10.77.0.34', NEW[0], { kind: 'slow', milliseconds: 2_000 });
  await configure(host, ['10.77.0.34'], { verify: 'timeout: 8s' });
  const before = await artifacts(host);
  const result = await host.agent('apply');
  assert.equal(result.code, 4, said(result));
  assert.match(said(result), /does not find puppet\.example\.com any more \(before: 10\.71\.1\.1\)/);
  assert.equal(await artifacts(host), before);

  await configure(host, [NEW[0]]);
  assert.equal((await host.agent('apply')).code, 0);
  assert.equal(await looksUp(host), true, 'and the migration itself goes through');
});

test('dns.verify: where nothing could be looked up before, the servers’ own answers are the proof', {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  await host.write('/etc/resolv.conf', `nameserver ${OLD[0]}\noptions timeout:1 attempts:1\n`);
  assert.equal(await looksUp(host), false, 'the old servers do not live');
  await configure(host, NEW);
  assert.equal((await host.agent('apply')).code, 4);
  await startNameServer(host, NEW[1], { [NAME]: RIGHT });
  const result = await host.agent('apply');
  assert.equal(result.code, 0, said(result));
  assert.equal(await looksUp(host), true);
});

test('dns.verify: the way to the collector is not lost either', { skip }, async () => {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  for (const address of OLD)
    await startNameServer(host, address, { [NAME]: RIGHT, 'collector.example.com': '10.72.1.2' });
  await startNameServer(host, NEW[0], { [NAME]: RIGHT });
  await configure(host, [NEW[0]]);
  await host.write('/etc/holdfast/agent.d/report.yaml', 'report: { endpoint: "https://collector.example.com:4318" }\n');
  const before = await artifacts(host);
  const result = await host.agent('apply');
  assert.equal(result.code, 4);
  assert.match(said(result), /this host does not find collector\.example\.com any more \(before: 10\.72\.1\.2\)/);
  assert.equal(await artifacts(host), before);
});

test('dns.verify: revert asks the name servers of before as well, and leaves DNS alone where they are gone', {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  const old = await Promise.all(OLD.map((address) => startNameServer(host, address, { [NAME]: RIGHT })));
  await startNameServer(host, NEW[0], { [NAME]: RIGHT });
  await configure(host, [NEW[0]]);
  assert.equal((await host.agent('apply')).code, 0);
  const applied = await artifacts(host);
  for (const server of old) await server.stop();

  const refused = await host.agent('revert');
  assert.equal(refused.code, 4, said(refused));
  assert.match(said(refused), /DNS is not put back, because .* 10\.77\.0\.11: no answer/);
  assert.equal(await artifacts(host), applied);
  assert.equal(await looksUp(host), true);

  await startNameServer(host, OLD[1], { [NAME]: RIGHT });
  const reverted = await host.agent('revert');
  assert.equal(reverted.code, 0, said(reverted));
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
});

test('after a refusal status foretells what the older hook in place brings, and the renewal brings it', {
  skip,
}, async () => {
  await using scene = await hostWith();
  const { host, client } = scene;
  for (const address of NEW) await startNameServer(host, address, { [NAME]: RIGHT });
  await configure(host, NEW);
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased(1);
  await refuses(host, [BLACKHOLE], /192\.0\.2\.53: no answer/);

  const { forecasts } = JSON.parse((await host.agent('status', '--json')).stdout);
  assert.deepEqual(forecasts[0].with.nameservers, NEW);
  assert.notDeepEqual(forecasts[0].without.nameservers, NEW);
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.9\n');
  await client.leased(1);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
});
