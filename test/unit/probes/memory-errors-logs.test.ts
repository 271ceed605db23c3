/** Logs are followed through rotation, truncation and restarts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Host } from '../../../agent/host/host.ts';
import { MemoryErrorRecord } from '../../../probes/memory-errors/counts-record.ts';
import { LogFollower } from '../../../probes/memory-errors/log-follower.ts';
import { daemonMemoryErrors } from '../../../probes/memory-errors/logs.ts';
import type { Probe } from '../../../probes/probe.ts';
import { ProbeRunner } from '../../../probes/runner.ts';
import { scratch } from '../../parts/scratch.ts';

test('memory errors: only lines that are new, and only whole ones', async (t) => {
  const path = join(scratch(t, { log: 'old\n' }), 'log');
  const follower = new LogFollower(path, 'end');
  t.after(() => follower.close());
  assert.deepEqual(await follower.read(), []);
  appendFileSync(path, 'one\ntw');
  assert.deepEqual(await follower.read(), ['one']);
  appendFileSync(path, 'o\nthree\n');
  assert.deepEqual(await follower.read(), ['two', 'three']);
  assert.deepEqual(await follower.read(), []);
});

test('memory errors: after rotation the old file is read to its end, and the new one from its start', async (t) => {
  const path = join(scratch(t, { log: '' }), 'log');
  const follower = new LogFollower(path, 'end');
  t.after(() => follower.close());
  await follower.read();
  appendFileSync(path, 'one\n');
  renameSync(path, `${path}.1`);
  assert.deepEqual(await follower.read(), ['one'], 'there is no new one yet');
  appendFileSync(`${path}.1`, 'two\n');
  writeFileSync(path, 'three\n');
  assert.deepEqual(await follower.read(), ['two', 'three']);
  rmSync(path);
  assert.deepEqual(await follower.read(), []);
  writeFileSync(path, 'four\n');
  assert.deepEqual(await follower.read(), ['four']);
});

test('memory errors: copytruncate', async (t) => {
  const path = join(scratch(t, { log: 'a line that was there before\n' }), 'log');
  const follower = new LogFollower(path, 'end');
  t.after(() => follower.close());
  appendFileSync(path, 'no\n');
  await follower.read();
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  assert.deepEqual(await follower.read(), []);
  appendFileSync(path, 'one\n');
  assert.deepEqual(await follower.read(), ['one']);
});

test('memory errors: a file that is not there yet is read from its start when it comes', async (t) => {
  const path = join(scratch(t), 'log');
  const follower = new LogFollower(path, 'end');
  t.after(() => follower.close());
  await assert.rejects(follower.read(), /cannot read .*log: it does not exist/);
  writeFileSync(path, 'one\n');
  assert.deepEqual(await follower.read(), ['one']);
});

test('memory errors: what is no log is refused with its path, and not waited for', async (t) => {
  const folder = scratch(t);
  const at = (name: string) => join(folder, name);
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync('/proc/kmsg', at('link'));
  for (const [path, why] of [
    [at('folder'), 'it is a folder (EISDIR)'],
    [at('pipe'), 'it is a named pipe, and a regular file belongs there (EFTYPE)'],
    ['/dev/null', 'it is a device, and a regular file belongs there (EFTYPE)'],
    ['/proc/kmsg', 'it is a file of the kernel’s own, and no log; the kernel’s messages are read without it (EFTYPE)'],
    [at('link'), 'it is a file of the kernel’s own, and no log; the kernel’s messages are read without it (EFTYPE)'],
    ['/proc/self/mem', 'it is a file of the kernel’s own, and no log (EFTYPE)'],
  ] as const) {
    const follower = new LogFollower(path, 'end');
    t.after(() => follower.close());
    await assert.rejects(follower.read(), { message: `cannot read ${path}: ${why}` });
  }
});

test('memory errors: a line without end is cut, and what follows it is read', async (t) => {
  const path = join(scratch(t, { log: '' }), 'log');
  const follower = new LogFollower(path, 'start');
  t.after(() => follower.close());
  appendFileSync(path, 'x'.repeat(3_000_000));
  for (let n = 0; n < 4; n += 1) assert.deepEqual(await follower.read(), []);
  appendFileSync(path, 'end\nnext\n');
  const [long, next] = await follower.read();
  assert.deepEqual([long?.length, next], [4096, 'next']);
});

test('memory errors: much at once is read bit by bit, and nothing of it is lost', async (t) => {
  const all = Array.from({ length: 300_000 }, (_, n) => `line ${n}`);
  const path = join(scratch(t, { log: `${all.join('\n')}\n` }), 'log');
  const follower = new LogFollower(path, 'start');
  t.after(() => follower.close());
  const first = await follower.read();
  assert.ok(first.length > 0 && first.length < all.length);
  const lines = [...first];
  for (let n = 0; n < 10; n += 1) lines.push(...(await follower.read()));
  assert.deepEqual(lines, all);
  const tail = new LogFollower(path, 'tail');
  t.after(() => tail.close());
  assert.equal((await tail.read()).at(-1), all.at(-1));
  assert.deepEqual(await tail.read(), []);
});

test('memory errors: goes on where another left off, across rotations; an inode used again is another file', async (t) => {
  const path = join(scratch(t, { log: '' }), 'log');
  const leave = async () => {
    const follower = new LogFollower(path, 'start');
    await follower.read();
    const { position } = follower;
    await follower.close();
    return position!;
  };
  appendFileSync(path, 'one\nhal');
  const position = await leave();
  appendFileSync(path, 'f\n');
  const next = new LogFollower(path, position);
  assert.deepEqual(await next.read(), ['half']);
  await next.close();

  renameSync(path, `${path}.1`);
  writeFileSync(path, 'new\n');
  const rotated = new LogFollower(path, position);
  assert.deepEqual(await rotated.read(), ['half', 'new']);
  await rotated.close();

  const reused = new LogFollower(path, { ...(await leave()), born: 1 });
  assert.deepEqual(await reused.read(), ['new']);
  await reused.close();

  rmSync(`${path}.1`);
  const gone = new LogFollower(path, position);
  assert.deepEqual(await gone.read(), ['new']);
  await gone.close();
});

const REFUSED = 'routed[9542]: KRT SEND ADD 10.1.0.0 mask 255.255.0.0: Cannot allocate memory';

async function read(probe: Probe) {
  const readings = await probe.read(AbortSignal.timeout(60_000));
  probe.handedOn?.();
  const events = readings.filter((reading) => reading.kind === 'event');
  const conditions = readings.filter((reading) => reading.kind === 'condition');
  const counts = readings.flatMap((reading) => {
    return reading.kind === 'sample' && reading.value > 0 ? [`${reading.attributes.cause} ${reading.value}`] : [];
  });
  return { events, conditions, counts, samples: readings.filter((reading) => reading.kind === 'sample') };
}

test('memory errors: the probe makes an event a line and a count by cause, without repetition or loss at a restart', async (t) => {
  const root = scratch(t, { 'var/log/routed': `${REFUSED}\n` });
  const log = join(root, 'var/log/routed');
  const host = new Host({ root });
  const logs = [{ path: '/var/log/routed' }];
  const first = daemonMemoryErrors(host, logs, new MemoryErrorRecord(), { history: false });
  const before = await read(first);
  assert.deepEqual([before.events, before.counts], [[], []]);
  assert.equal(before.samples.length, 4, 'it is known that there was none');
  appendFileSync(log, `a\n${REFUSED}\n`);
  const { events, counts } = await read(first);
  assert.deepEqual(
    events.map(({ name, severity, attributes }) => [name, severity, attributes]),
    [['holdfast.memory_error', 'error', { cause: 'route-add-failed', source: '/var/log/routed', text: REFUSED }]],
  );
  assert.deepEqual(counts, ['route-add-failed 1']);
  await first.close?.();

  appendFileSync(log, `${REFUSED}\n`);
  const second = daemonMemoryErrors(host, logs, new MemoryErrorRecord(), { history: false });
  assert.equal((await read(second)).events.length, 1);
  assert.equal((await read(second)).events.length, 0);
  await second.close?.();

  const all = daemonMemoryErrors(host, logs, new MemoryErrorRecord(), { history: true });
  assert.equal((await read(all)).events.length, 3);
  await all.close?.();
});

test('memory errors: the probe goes on counting after a new configuration, and repeats a reading that was cut off', async (t) => {
  const root = scratch(t, { 'var/log/routed': '', 'var/log/bird': '' });
  const log = join(root, 'var/log/routed');
  const [host, record] = [new Host({ root }), new MemoryErrorRecord()];
  const both = [{ path: '/var/log/routed' }, { path: '/var/log/bird' }];
  const follow = (logs = both) => daemonMemoryErrors(host, logs, record, { history: false });
  const first = follow();
  await read(first);
  appendFileSync(log, `${REFUSED}\n`);
  assert.deepEqual((await read(first)).counts, ['route-add-failed 1']);

  appendFileSync(log, `${REFUSED}\n`);
  const cutOff = first.read(AbortSignal.timeout(60_000));
  await first.close?.();
  await cutOff;
  const without = follow([{ path: '/var/log/bird' }]);
  assert.deepEqual((await read(without)).counts, [], 'of a log that is not followed nothing is said');
  await without.close?.();

  const again = follow();
  t.after(() => again.close?.());
  assert.deepEqual(
    (await read(again)).counts,
    ['route-add-failed 1'],
    'from its end on, as it was not followed between',
  );
  appendFileSync(log, `${REFUSED}\n`);
  assert.deepEqual((await read(again)).counts, ['route-add-failed 2']);
});

test('memory errors: a probe that waits for its turn repeats nothing of what the one before it told', async (t) => {
  const root = scratch(t, { 'var/log/routed': '' });
  const make = () =>
    daemonMemoryErrors(new Host({ root }), [{ path: '/var/log/routed' }], new MemoryErrorRecord(), { history: false });
  const first = make();
  await read(first);
  const next = make(); // as a reload makes it, before it ends the first
  t.after(() => next.close?.());
  appendFileSync(join(root, 'var/log/routed'), `${REFUSED}\n`);
  assert.equal((await read(first)).events.length, 1);
  await first.close?.();
  assert.equal((await read(next)).events.length, 0);
});

test('memory errors: a missing log is a condition, not 0 errors, and stops no other log', async (t) => {
  const root = scratch(t, { 'var/log/bird': '' });
  const logs = [{ path: '/var/log/none' }, { path: '/var/log/bird' }];
  const probe = daemonMemoryErrors(new Host({ root }), logs, new MemoryErrorRecord(), { history: false });
  t.after(() => probe.close?.());
  const { conditions, samples } = await read(probe);
  assert.deepEqual(
    conditions.map(({ code, attributes }) => [code, attributes]),
    [['log-unreadable', { path: '/var/log/none' }]],
  );
  assert.deepEqual(new Set(samples.map(({ attributes }) => attributes.source)), new Set(['/var/log/bird']));
});

test('memory errors: the probe says that it could not see where one log is missing, no file, or gone for longer than a rotation takes', async (t) => {
  const root = scratch(t, { 'var/log/bird': '', 'var/log/frr/zebra.log': '' });
  const host = new Host({ root });
  const look = async (...paths: string[]) => {
    const logs = paths.map((path) => ({ path }));
    const probe = daemonMemoryErrors(host, logs, new MemoryErrorRecord(), { history: true });
    const report = await new ProbeRunner(probe, () => {}).read();
    await probe.close?.();
    return report;
  };
  const whole = await look('/var/log/bird');
  assert.deepEqual([whole.success, whole.partly, whole.error], [true, false, null]);
  for (const bad of ['/gone.log', '/var/log', '/var/log/bird/x']) {
    const { success, partly, error, readings } = await look('/var/log/bird', bad);
    assert.deepEqual([success, partly], [false, true], bad);
    assert.match(String(error), new RegExp(`${bad}: .*memory errors in this log are not seen`));
    assert.ok(
      readings.some((one) => one.kind === 'sample' && one.attributes.source === '/var/log/bird'),
      bad,
    );
  }

  let now = 0;
  const logs = [{ path: '/var/log/frr/zebra.log' }];
  const probe = daemonMemoryErrors(host, logs, new MemoryErrorRecord(), { history: false, clock: () => now });
  t.after(() => probe.close?.());
  const runner = new ProbeRunner(probe, () => {});
  assert.equal((await runner.read()).success, true);
  const path = join(root, 'var/log/frr/zebra.log');
  rmSync(path);
  assert.equal((await runner.read()).success, true, 'it may be rotated');
  now = 61_000;
  assert.match(String((await runner.read()).error), /zebra\.log: the file is gone/);
  writeFileSync(path, '');
  assert.equal((await runner.read()).success, true);
});

test('memory errors: a hostile line is cut to printable text, and a flood is counted', async (t) => {
  const root = scratch(t, { 'var/log/routed': '' });
  const log = join(root, 'var/log/routed');
  const probe = daemonMemoryErrors(new Host({ root }), [{ path: '/var/log/routed' }], new MemoryErrorRecord(), {
    history: false,
  });
  t.after(() => probe.close?.());
  await read(probe);
  appendFileSync(log, `${REFUSED} \x1b]0;x\x07\r\0\u202e${'é'.repeat(400)}\n`);
  const text = String((await read(probe)).events[0]?.attributes.text);
  assert.match(text, /^[\x20-\x7eé…]+$/);
  assert.equal(text.length, 300);
  appendFileSync(log, `${REFUSED}\n`.repeat(5_000));
  const { events, counts } = await read(probe);
  assert.equal(events.length, 11);
  assert.equal(events.at(-1)?.attributes.count, 4_990);
  assert.deepEqual(counts, ['route-add-failed 5001']);
});

test('log follower: closed in the middle of a reading, it leaves no file open', async (t) => {
  const path = join(scratch(t, { log: 'one\n' }), 'log');
  const isOpen = () =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false; // the folder's own, which is closed again
      }
    });
  for (let n = 0; n < 20; n += 1) {
    const follower = new LogFollower(path, 'start');
    const reading = follower.read();
    for (let turn = 0; turn < n; turn += 1) await setImmediate();
    await Promise.all([follower.close(), reading]);
    assert.equal(isOpen(), false, `after ${n} turns`);
    assert.deepEqual(await follower.read(), []);
  }
});

test('memory errors: a disk that takes ten seconds for a log is no fault of the probe', async (t) => {
  const host = new Host({ root: scratch(t, { 'log/bird': '' }) });
  const logs = daemonMemoryErrors(host, [{ path: '/log/bird' }], new MemoryErrorRecord(), { history: false });
  t.after(() => logs.close?.());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const disk = Promise.withResolvers<void>();
  const slow = { ...logs, read: (signal: AbortSignal) => disk.promise.then(() => logs.read(signal)) };
  const reading = new ProbeRunner(slow, () => {}).read();
  t.mock.timers.tick(10_000);
  disk.resolve();
  const { success, error } = await reading;
  assert.deepEqual({ success, error }, { success: true, error: null });
  // The probe reports a disk that never answers.
  const dead = new ProbeRunner({ ...logs, read: () => new Promise<never>(() => {}) }, () => {}).read();
  t.mock.timers.tick(30_000);
  assert.match((await dead).error!, /did not end within 30 s/);
});
