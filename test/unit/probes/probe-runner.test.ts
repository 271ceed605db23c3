/** The runner of probes: a probe that fails or hangs delays no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Occurrence, type Probe, type Reading, sample } from '../../../probes/probe.ts';
import { ProbeRunner, ProbeSchedule, probeSamples } from '../../../probes/runner.ts';

const event = (body: string): Occurrence => ({
  kind: 'event',
  name: 'holdfast.memory_error',
  severity: 'error',
  time: 0,
  body,
  attributes: {},
});
const up = sample('holdfast.nameserver.up', 1);
const never = () => new Promise<never>(() => {});

function probe(name: string, read: Probe['read'], more: Partial<Probe> = {}): Probe {
  return { name, cost: 'constant', read, ...more };
}

function gather() {
  const events: string[] = [];
  return { events, onOccurrence: ({ body }: Occurrence, name: string) => void events.push(`${name}: ${body}`) };
}

test('probe runner: one that fails and one that hangs delay nobody, and say so', async () => {
  const { onOccurrence } = gather();
  const schedule = new ProbeSchedule(
    [
      probe('hangs', never),
      probe('fails', async () => assert.fail('no such file')),
      probe('throws', () => assert.fail('at once')),
      probe('works', async () => [up]),
    ],
    { interval: 1000, onOccurrence, timeLimit: 50 },
  );
  const reports = await schedule.heartbeat();
  assert.deepEqual(
    reports.map(({ probe, success, error, readings }) => [probe, success, error, readings.length]),
    [
      ['hangs', false, 'it did not end within 0.05 s', 0],
      ['fails', false, 'no such file', 0],
      ['throws', false, 'at once', 0],
      ['works', true, null, 1],
    ],
  );
  const [hangs] = await schedule.heartbeat();
  assert.equal(hangs?.error, 'its last reading has not ended yet');
  assert.deepEqual(probeSamples(hangs!)[0], sample('holdfast.probe.success', 0, { probe: 'hangs' }));
  await schedule.close();
});

test('probe runner: a hanging probe is told to stop, and is read again once it has', async () => {
  let calls = 0;
  const runner = new ProbeRunner(
    probe('slow', (signal) => {
      calls += 1;
      if (calls > 1) return Promise.resolve([up]);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }),
    () => {},
    20,
  );
  assert.equal((await runner.read()).success, false);
  await sleep(1);
  assert.equal((await runner.read()).success, true);
});

test('probe runner: events are handed on once, also those that come after the time limit', async () => {
  const { events, onOccurrence } = gather();
  const gate = Promise.withResolvers<Reading[]>();
  let handedOn = 0;
  const late = probe('late', () => gate.promise, { handedOn: () => handedOn++ });
  const runner = new ProbeRunner(late, onOccurrence, 10);
  assert.equal((await runner.read()).success, false);
  assert.deepEqual([events, handedOn], [[], 0]);
  gate.resolve([event('one'), up]);
  await sleep(1);
  assert.deepEqual([events, handedOn], [['late: one'], 1]);
  assert.deepEqual((await runner.read()).readings, [up]);
});

test('probe runner: those of their own pace are read from the start on, and a heartbeat gives their last report', async () => {
  const { onOccurrence } = gather();
  const read = Promise.withResolvers<void>();
  let calls = 0;
  const fast = probe(
    'fast',
    async () => {
      calls += 1;
      if (calls === 3) read.resolve();
      return [sample('holdfast.nameserver.up', calls)];
    },
    { interval: 1 },
  );
  const schedule = new ProbeSchedule([fast], { interval: 1e6, onOccurrence });
  assert.deepEqual(await schedule.heartbeat(), []);
  assert.equal(calls, 0);
  schedule.start();
  await read.promise;
  await sleep(1);
  const [report] = await schedule.heartbeat();
  assert.ok(report?.readings[0]?.kind === 'sample' && report.readings[0].value >= 3);
  await schedule.close();
  const before = calls;
  await sleep(20);
  assert.equal(calls, before);
});

test('probe runner: what scales with the tables rests a hundred times as long as all of it took', async () => {
  const calls = { one: 0, other: 0 };
  const dump = (name: 'one' | 'other') =>
    probe(
      name,
      async () => {
        calls[name] += 1;
        await sleep(10);
        return [];
      },
      { cost: 'scales' },
    );
  const schedule = new ProbeSchedule([dump('one'), dump('other')], { interval: 1, onOccurrence: () => {} });
  schedule.start();
  await sleep(1500); // 100 readings by the interval alone, a second one with 1 % for each
  await schedule.close();
  assert.deepEqual(calls, { one: 1, other: 1 });
});

test('probe runner: every probe gives back what it holds, whatever another does at that', async () => {
  const closed: string[] = [];
  const closing = (name: string, fail = false) =>
    probe(name, async () => [], {
      close: async () => {
        closed.push(name);
        if (fail) throw new Error('no');
      },
    });
  await new ProbeSchedule([closing('a', true), closing('b')], { interval: 1, onOccurrence: () => {} }).close();
  assert.deepEqual(closed, ['a', 'b']);
});
