/** `agent probe` on a host with a real dhclient and real name servers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { unavailable } from '../parts/lab/host.ts';
import { apply, NEW, type Scene, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();
let scene: Scene;

before(async () => {
  if (skip) return;
  scene = await staleHost({ renewEvery: 1, offers: 'option ntp-servers 10.77.0.5;' });
  await apply(scene.host);
  await scene.client.leased();
  await startNameServer(scene.host, NEW[0], { 'dev.example.com': '10.77.0.80' });
});
after(() => scene?.[Symbol.asyncDispose]());

interface Sample {
  readonly metric: string;
  readonly value: number;
  readonly attributes: Record<string, string>;
}

async function probes(...args: string[]) {
  const { code, stdout, stderr } = await scene.host.agent('probe', '--json', ...args);
  const all: {
    name: string;
    success: boolean;
    error: string | null;
    samples: Sample[];
    conditions: { code: string }[];
  }[] = JSON.parse(stdout).probes;
  const values = (metric: string) => all.flatMap(({ samples }) => samples.filter((one) => one.metric === metric));
  return { code, stderr, all, values };
}

test('every probe can see', { skip }, async () => {
  const { code, stderr, all } = await probes();
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    all.filter(({ success }) => !success),
    [],
  );
  assert.ok(all.length >= 8);
});

test('the lease: its age and end, its server, that dhclient is stale, and what the hook holds', { skip }, async () => {
  const { all, values } = await probes('leases');
  assert.deepEqual(
    all.map(({ name }) => name),
    ['leases'],
  );
  const about = { interface: 'eth0', 'network.type': 'ipv4' };
  const [age] = values('holdfast.lease.age');
  assert.deepEqual(age?.attributes, { ...about, 'server.address': '10.77.0.1' });
  assert.ok(age.value >= 0 && age.value < 60);
  const [expire] = values('holdfast.lease.expire');
  assert.ok(expire && expire.value > 500 && expire.value <= 600, String(expire?.value));
  assert.deepEqual(values('holdfast.dhclient.stale'), [
    { kind: 'sample', metric: 'holdfast.dhclient.stale', value: 1, attributes: about },
  ]);
  const held = values('holdfast.lease.superseded').map(({ attributes, value }) => [attributes.option, value]);
  assert.deepEqual(Object.fromEntries(held)['domain-name-servers'], 1);
  assert.deepEqual(
    all[0]?.conditions.map(({ code }) => code),
    ['stale-dhclient'],
  );
});

test('probe: it judges each name server by itself', { skip }, async () => {
  const { all, values } = await probes('nameservers');
  const up = values('holdfast.nameserver.up').map(({ attributes, value }) => [attributes['server.address'], value]);
  assert.deepEqual(up, [
    [NEW[0], 1],
    [NEW[1], 0],
  ]);
  assert.deepEqual(
    all[0]?.conditions.map(({ code }) => code),
    ['nameserver-down'],
  );
});

test('probe: it prints for people and for Prometheus, and says what it cannot see', { skip }, async () => {
  const people = await scene.host.agent('probe', 'routes', 'leases');
  assert.equal(people.code, 0);
  assert.match(people.stdout, /^✓ routes .*ms\)$/m);
  assert.match(people.stdout, /^ {2}holdfast\.dhclient\.stale +interface=eth0 network\.type=ipv4 +1$/m);

  const { stdout } = await scene.host.agent('probe', '--prometheus');
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) {
    assert.match(line, /^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{([a-z0-9_]+="[^"]*",?)*\})? -?[0-9.e+-]+)$/);
  }
  assert.ok(lines.includes('holdfast_probe_success_ratio{probe="routes"} 1'));
  assert.equal(new Set(lines).size, lines.length);

  const unknown = await scene.host.agent('probe', 'nothing');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /no such probe here: nothing\. The probes are: routes, /);

  const nobody = await scene.host.sh(
    'code=0; setpriv --reuid=65534 --clear-groups agent probe canary routes --quiet 2>&1 || code=$?; echo $code',
  );
  assert.match(nobody, /^✗ canary: .*\n4\n$/);
});
