/** `agent run` measures: servers that come nearer, die and come back, and what the host's callers get meanwhile. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { FarServers, firstAddresses, noFarServers } from '../parts/lab/far.ts';
import { LabHost } from '../parts/lab/host.ts';
import { NEW } from '../parts/lab/scene.ts';

const skip = noFarServers();

const NAME = 'puppet.example.com';
const [A, B, C] = ['10.88.0.1', '10.88.0.2', '10.88.0.3'] as const;
/** So far apart that a loaded machine cannot confuse them. */
const [NEAR, MIDDLE, FAR] = [10, 150, 400];
const TRIES = 2;
const ENTER_HOOK = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';
const RECORD = '/var/lib/holdfast/nearest.json';

let host: LabHost;
let far: FarServers;
let agent: RunningAgent;

before(async () => {
  if (skip) return;
  host = await LabHost.create();
  far = await FarServers.start(host, { [A]: MIDDLE, [B]: NEAR, [C]: FAR });
  await startNameServer(host, NEW[0], { [NAME]: [A, B, C] });
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns:
  nameservers: [${NEW[0]}]
  sortlist: [{ nearest: { name: ${NAME}, port: 8140, tries: ${TRIES}, interval: 1s } }, 10.72.0.0/16]
report: { interval: 1s }
`,
  );
  agent = await RunningAgent.start(host);
});
after(() => host?.close());

/** All that the order stands in says the same, and callers get it. */
async function holds(...order: string[]): Promise<void> {
  const line = `sortlist ${[...order.map((one) => `${one}/255.255.255.255`), '10.72.0.0/255.255.0.0'].join(' ')}`;
  assert.equal(/^sortlist .*$/m.exec(await host.read('/etc/resolv.conf'))?.[0], line);
  assert.ok((await host.read(ENTER_HOOK)).includes(line));
  assert.deepEqual(new Set(await firstAddresses(host, NAME)), new Set([order[0]]));
  assert.equal((await host.agent('plan')).code, 0);
}

/** Waits for this order. A measurement that began before the servers moved may bring another order first. */
async function orderIs(...order: string[]): Promise<void> {
  for (;;) {
    const changed = await agent.event('holdfast.nearest.changed');
    const now = changed.msg.match(/[\d.]{7,}(?= \()/g) ?? [];
    assert.equal(changed['server.address'], now[0]);
    if (now.join() === order.join()) return holds(...order);
  }
}

test('nearest: the daemon measures at its start', { skip }, () => orderIs(B, A, C));

test('nearest: a server that comes nearer is first after three measurements, and not before', { skip }, async () => {
  const tried = far.triedAt(C);
  await far.move({ [A]: MIDDLE, [B]: FAR, [C]: NEAR });
  await orderIs(C, A, B);
  // The first of the three may have begun already.
  assert.ok(far.triedAt(C) - tried > 2 * (1 + TRIES), `${far.triedAt(C) - tried}`);
});

test('nearest: if the nearest server dies, the next one is first at once', { skip }, async () => {
  await far.move({ [A]: MIDDLE, [B]: FAR });
  await orderIs(A, B, C);
});

test('nearest: if all servers die, the last order stays across a restart, and its age is reported', {
  skip,
}, async () => {
  await far.move({});
  const failed = await agent.event('holdfast.nearest.failed');
  assert.match(failed.msg, /none of its 3 addresses answers at port 8140; 10\.88\.0\.1 stays the first/);
  const raised = await agent.event('holdfast.condition.raised');
  assert.equal(raised.code, 'nearest-old');
  assert.equal(agent.count('holdfast.nearest.failed'), 1);
  await holds(A, B, C);

  const record = await host.read(RECORD);
  assert.equal(await agent.stop(), 0);
  const { stdout, code } = await host.agent('apply');
  assert.equal(code, 0);
  assert.match(
    stdout,
    /cannot be measured: none of its 3 addresses answers at port 8140; the measurement of \d+ \w+ ago stays in force/,
  );
  assert.equal(await host.read(RECORD), record);
  await holds(A, B, C);
  const { samples } = JSON.parse((await host.agent('probe', 'nearest', '--json')).stdout).probes[0];
  const value = (metric: string, address?: string) =>
    samples.find((one: { metric: string; attributes: Record<string, string> }) => {
      return one.metric === metric && (address === undefined || one.attributes['server.address'] === address);
    })?.value;
  assert.ok(value('holdfast.nearest.age') >= 10);
  assert.deepEqual(
    [A, B, C].map((one) => value('holdfast.nearest.position', one)),
    [1, 2, 3],
  );
  assert.ok(value('holdfast.nearest.duration', A) >= MIDDLE / 1000);
  assert.equal(value('holdfast.nearest.duration', C), undefined);

  agent = await RunningAgent.start(host);
  await agent.event('holdfast.nearest.failed');
  await holds(A, B, C);
});

test('nearest: when servers answer again the report ends, and no change of order counted as drift', {
  skip,
}, async () => {
  await far.move({ [A]: FAR, [B]: MIDDLE, [C]: NEAR });
  await orderIs(C, B, A);
  for (const event of ['holdfast.heal', 'holdfast.drift'])
    assert.equal(agent.count(event), 0, agent.log.lines.join('\n'));
});

test('nearest: the daemon holds the order that `apply` measured, without drift', { skip }, async () => {
  const record = JSON.parse(await host.read(RECORD));
  const order = [B, C, A].map((address) => ({ address, time: 1, absent: 0, ahead: {} }));
  // As apply writes it.
  const target = `${NAME}:8140`;
  await host.write(`${RECORD}.new`, JSON.stringify({ [target]: { ...record[target], order } }));
  await host.sh(`mv ${RECORD}.new ${RECORD}`);
  // dhcpcd's hook is among them where dhcpcd is installed.
  const adopted: string[] = [];
  while (adopted.at(-1) !== '/etc/resolv.conf') adopted.push(String((await agent.event('holdfast.adopted')).key));
  assert.equal(adopted[0], ENTER_HOOK);
  assert.equal(agent.count('holdfast.heal'), 0);
});
