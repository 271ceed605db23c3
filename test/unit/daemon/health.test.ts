/** The daemon's health while parts of it really hang, and that it still obeys signals. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import type { DaemonSetup, Delivery } from '../../../agent/daemon/daemon-setup.ts';
import type { Resource } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';
import type { Client } from '../../../agent/report/delivery/http-client.ts';
import { Lane } from '../../../agent/report/delivery/lane.ts';
import { events } from '../../../agent/report/otlp-encoding.ts';
import { Spool } from '../../../agent/report/spool/spool.ts';
import type { Occurrence, Probe } from '../../../probes/probe.ts';
import { ProbeSchedule } from '../../../probes/runner.ts';
import { Receiver, refuse } from '../../parts/otlp-receiver.ts';
import { DESIRED, event, IDENTITY, IMPATIENT, reporting, until } from '../../parts/report-scene.ts';
import { scratch } from '../../parts/scratch.ts';

const HOUR = 3_600_000;
const never = () => new Promise<never>(() => {});
const hanging: Probe = { name: 'hangs', cost: 'constant', read: never, close: never };
const seeing: Probe = { name: 'sees', cost: 'constant', read: async () => [] };

function resource(inspect: Resource['inspect']): Resource {
  return { name: 'resolver', inspect, apply: never, watches: () => [] };
}

/** `bad`: its configuration is bad, and the setup is of the last valid one. */
async function started(t: TestContext, setup: Partial<DaemonSetup>, { bad = false } = {}) {
  const told: Occurrence[] = [];
  let beats = 0;
  const delivery: Delivery = {
    event: (event) => void told.push(event),
    heartbeat: () => {
      beats += 1;
    },
    healthy: () => true,
    stop: async () => {},
  };
  const host = new Host({ root: scratch(t) });
  const whole: DaemonSetup = {
    host,
    resources: [resource(async () => [])],
    agent: async () => null,
    guard: null,
    desired: () => null,
    nearness: null,
    metadata: null,
    daemon: {
      report: { ...DESIRED, interval: 100 },
      confirm: null,
      probes: { logs: [], journal: [], canary: 0, off: [] },
      expect: { defaultNexthops: null, groups: [] },
    },
    hash: 'ab'.repeat(32),
    beatSeed: 'ab'.repeat(16),
    probes: [seeing],
    delivery,
    ...setup,
  };
  const load = bad ? () => Promise.reject(new Error('agent.yaml:1:1: wrong')) : async () => whole;
  const daemon = await Daemon.start({ load, lastGood: async () => whole, log: () => {} });
  t.after(() => daemon.stop('the test is over'));
  const names = () => told.map(({ name }) => name);
  return { daemon, told, names, beats: () => beats };
}

test('daemon start: with a bad configuration it holds the last valid one, and reports an error', async (t) => {
  const { told, beats } = await started(t, {}, { bad: true });
  const [refused] = told.filter(({ name }) => name === 'holdfast.config.refused');
  assert.equal(refused?.severity, 'error');
  assert.match(refused?.body ?? '', /the last valid one is held: agent\.yaml:1:1: wrong$/);
  await until('heartbeats are sent', () => beats() > 0);
});

test('daemon start: a bad configuration without an earlier valid one ends the daemon with its errors', async () => {
  const load = () => Promise.reject(new Error('agent.yaml:1:1: wrong'));
  for (const lastGood of [undefined, async () => null, load])
    await assert.rejects(
      Daemon.start({ load, ...(lastGood && { lastGood }), log: () => {} }),
      /agent\.yaml:1:1: wrong/,
    );
});

test('daemon health: a hanging probe is reported, does not concern the watchdog, and does not delay SIGHUP', async (t) => {
  const { daemon, names, beats } = await started(t, { probes: [hanging] });
  await until('it is told', () => names().includes('holdfast.probe.failed'));
  assert.equal(daemon.healthy(), true);
  await daemon.reload();
  assert.ok(names().includes('holdfast.config.changed'), names().join());
  const before = beats();
  await until('heartbeats go on', () => beats() > before);
  assert.equal(daemon.healthy(), true);
});

test('daemon health: a failure at start or reload is reported at once', async (t) => {
  const place = { resource: 'resolver', key: '/etc/resolv.conf', moment: 'now' } as const;
  const finding = {
    ...place,
    kind: 'file',
    state: 'drifted',
    wanted: 'a',
    actual: 'b',
    settings: async () => [],
  } as const;
  const failing = {
    ...resource(async () => [finding]),
    apply: async () => Promise.reject(new Error('the disk is gone')),
  };
  const { daemon, told } = await started(t, { resources: [failing] });
  await daemon.reload();
  for (const name of ['holdfast.start', 'holdfast.config.changed'])
    assert.match(
      told.find((event) => event.name === name)!.body,
      /1 failed \(\/etc\/resolv\.conf: the disk is gone\)$/,
    );
});

test('daemon health: a delivery that does not work makes the daemon unhealthy', async (t) => {
  let works = true;
  const delivery: Delivery = { event() {}, heartbeat() {}, stop: async () => {}, healthy: () => works };
  const { daemon } = await started(t, { delivery });
  assert.equal(daemon.healthy(), true);
  works = false;
  assert.equal(daemon.healthy(), false);
});

test('daemon health: a resource that hangs makes the daemon unhealthy', async (t) => {
  let looks = 0;
  const hangs = resource(() => (++looks > 2 ? never() : Promise.resolve([])));
  const { daemon, names } = await started(t, { resources: [hangs], probes: [] });
  await until('the probe of the resources says so', () => names().includes('holdfast.probe.failed'));
  assert.equal(daemon.healthy(), true, 'it may yet end');
  assert.equal(daemon.healthy(performance.now() + 130_000), false);
});

test('daemon health: a schedule is healthy while any of its readings ends', async (t) => {
  const schedule = (probes: Probe[]) => {
    const made = new ProbeSchedule(probes, { interval: 10, onOccurrence: () => {}, timeLimit: 10 });
    t.after(() => made.close());
    return made;
  };
  const [all, some] = [schedule([hanging]), schedule([hanging, seeing])];
  const [later, soon] = [performance.now() + 130_000, performance.now()];
  assert.deepEqual([all.healthy(soon), all.healthy(later)], [true, false]);
  // The sound file seems to be read at that time.
  t.mock.method(performance, 'now', () => later);
  await Promise.all([all.heartbeat(), some.heartbeat()]);
  assert.deepEqual([all.healthy(later), some.healthy(later)], [false, true]);
  t.mock.restoreAll();
});

test('daemon health: a collector that is down for any time leaves the delivery healthy', async (t) => {
  const receiver = await Receiver.start(t, { answer: refuse(503) });
  const { reporter } = reporting(t, receiver.url);
  reporter.event(event(1));
  await until('it was tried often', () => receiver.requests.length > 5);
  assert.equal(reporter.healthy(performance.now()), true);
});

function lane(t: TestContext, parts: { post?: Client['post']; spoiled?: boolean }) {
  const said: (string | null)[] = [];
  const spool = new Spool({ folder: scratch(t), bound: 1e6, lost() {}, trouble() {} });
  spool.addEvent({ id: 'a-1', observed: 1, event: event(1), resource: IDENTITY.resource });
  if (parts.spoiled) t.mock.method(spool.events, 'peek', () => assert.fail('no such segment'));
  const made = new Lane({
    path: '/v1/logs',
    queue: spool.events,
    encoding: events,
    format: 'protobuf',
    client: { post: parts.post ?? never } as Client,
    timing: IMPATIENT,
    records: 1,
    lost() {},
    trouble: (reason) => said.push(reason),
  });
  return { made, said };
}

test('daemon health: a delivery is hanging if its attempt does not end after it was cancelled', async (t) => {
  const { made } = lane(t, { post: never });
  assert.equal(made.healthy(performance.now()), true);
  assert.equal(made.healthy(performance.now() + IMPATIENT.request + 31_000), false);
});

test('daemon health: a delivery with an empty queue stays healthy', async (t) => {
  const { made } = lane(t, { post: async () => ({ status: 200, headers: {}, body: Buffer.alloc(0) }) });
  await until('all is sent', () => made.healthy(performance.now() + HOUR));
});

test('daemon health: a delivery that broke down reports it and is unhealthy', async (t) => {
  const { made, said } = lane(t, { spoiled: true });
  await made.stop(0);
  assert.equal(made.healthy(performance.now()), false);
  assert.deepEqual(said, ['delivery has stopped: no such segment']);
});
