/** The spool keeps its order across kills, torn tails, damage and full disks, within a bound. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Queue, type QueueOptions } from '../../../../agent/report/spool/queue.ts';
import { Spool, unpack } from '../../../../agent/report/spool/spool.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { nodeCommand, noNamespaces, privately, scratch } from '../../../parts/scratch.ts';

interface Told {
  lost: Record<string, number>;
  troubles: (string | null)[];
}

function open(folder: string, options: Partial<QueueOptions> = {}): { queue: Queue; told: Told } {
  const told: Told = { lost: {}, troubles: [] };
  const queue = new Queue({
    folder,
    segmentBytes: 1000,
    memoryBytes: 1000,
    overflow: 'oldest',
    lost: (reason, count) => {
      told.lost[reason] = (told.lost[reason] ?? 0) + count;
    },
    trouble: (message) => told.troubles.push(message),
    ...options,
  });
  return { queue, told };
}

const texts = (queue: Queue, limit = Number.MAX_SAFE_INTEGER) =>
  queue.peek(limit, limit).map(({ payload }) => `${payload}`);

/** Takes all there is, in batches. */
function drain(queue: Queue, batch = 7): string[] {
  const all: string[] = [];
  for (let entries = queue.peek(batch, 1e9); entries.length > 0; entries = queue.peek(batch, 1e9)) {
    all.push(...entries.map(({ payload }) => `${payload}`));
    queue.acknowledge(entries.at(-1)!.sequence);
  }
  return all;
}

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, n) => `record ${from + n}`);
const segmentsIn = (folder: string) => readdirSync(folder).sort();

test('spool: appended records come back in order, over many segments and in the next process', (t) => {
  const folder = scratch(t);
  const { queue } = open(folder);
  for (const text of numbers(500)) queue.append(Buffer.from(text));
  assert.ok(segmentsIn(folder).length > 5);
  const first = queue.peek(10, 1e9);
  queue.acknowledge(first.at(-1)!.sequence);
  const { queue: next } = open(folder);
  next.append(Buffer.from('record 501'));
  assert.deepEqual(drain(next), numbers(491, 11));
  assert.deepEqual(drain(next), []);
  assert.equal(next.bytes, 0);
  assert.deepEqual(drain(open(folder).queue), []);
});

test('spool: acknowledgements hold across any number of restarts', (t) => {
  const folder = scratch(t);
  const { queue } = open(folder);
  for (const text of numbers(300)) queue.append(Buffer.from(text));
  const all: string[] = [];
  for (;;) {
    const { queue: next } = open(folder);
    const entries = next.peek(3, 1e9);
    if (entries.length === 0) break;
    all.push(...entries.map(({ payload }) => `${payload}`));
    next.acknowledge(entries.at(-1)!.sequence);
  }
  assert.deepEqual(all, numbers(300));
  assert.deepEqual(segmentsIn(folder).length <= 1, true);
});

test('spool: a batch has a limit of records and of bytes, and at least one record', (t) => {
  const { queue } = open(scratch(t));
  for (const text of numbers(10)) queue.append(Buffer.from(text));
  assert.deepEqual(texts(queue, 1), ['record 1']);
  assert.equal(queue.peek(1e9, 17).length, 3);
  assert.equal(queue.peek(3, 1e9).length, 3);
});

test('spool: a tail torn at any byte is cut, and the records before it are kept', (t) => {
  const folder = scratch(t);
  const { queue } = open(folder, { segmentBytes: 1e6 });
  for (const text of numbers(3)) queue.append(Buffer.from(text));
  const [name] = segmentsIn(folder);
  const path = join(folder, name!);
  const whole = readFileSync(path);
  const third = whole.length / 3;
  for (let length = whole.length - 1; length >= 0; length--) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    const { queue: next, told } = open(folder, { segmentBytes: 1e6 });
    const kept = Math.floor(length / third);
    assert.deepEqual(texts(next), numbers(kept), `${length} bytes`);
    assert.equal(told.troubles.length, length % third === 0 ? 0 : 1);
    next.append(Buffer.from('new'));
    assert.deepEqual(drain(open(folder).queue), [...numbers(kept), 'new']);
  }
});

test('spool: zeros and any other bytes behind the last record, as a power cut leaves them, are cut', (t) => {
  for (const rest of [Buffer.alloc(4096), Buffer.alloc(50, 0xff), Buffer.from('\x01\0\0\0garbage garbage garbage')]) {
    const folder = scratch(t);
    open(folder).queue.append(Buffer.from('kept'));
    appendFileSync(join(folder, segmentsIn(folder)[0]!), rest);
    assert.deepEqual(drain(open(folder).queue), ['kept']);
  }
});

test('spool: one flipped bit costs the rest of its segment, and no other segment', (t) => {
  const folder = scratch(t);
  const { queue } = open(folder);
  for (const text of numbers(200)) queue.append(Buffer.from(text));
  const path = join(folder, segmentsIn(folder)[1]!);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 4;
  writeFileSync(path, bytes);
  const { queue: next, told } = open(folder);
  const rest = drain(next);
  assert.ok(rest.length > 150 && rest.length < 200, String(rest.length));
  assert.deepEqual(
    rest,
    [...new Set(rest)].sort((a, b) => Number(a.slice(7)) - Number(b.slice(7))),
  );
  assert.match(String(told.troubles[0]), /cut off \d+ torn or damaged bytes/);
});

test('spool: a bit that flips at run time is reported and counted, and the queue goes on', (t) => {
  const folder = scratch(t);
  const { queue, told } = open(folder);
  for (const text of numbers(200)) queue.append(Buffer.from(text));
  const path = join(folder, segmentsIn(folder)[1]!);
  const bytes = readFileSync(path);
  bytes[20]! ^= 4;
  writeFileSync(path, bytes);
  const rest = drain(queue);
  assert.ok(rest.length > 150 && rest.length < 200, String(rest.length));
  assert.equal(told.lost.damaged, 1);
});

test('spool: foreign files stay, and a half-written thinned segment is removed', (t) => {
  const folder = scratch(t, { 'notes.txt': 'mine', 'thinned.tmp': 'half', '0000000001-0.seg.bak': 'x' });
  open(folder).queue.append(Buffer.from('one'));
  assert.deepEqual(segmentsIn(folder), ['0000000001-0.seg', '0000000001-0.seg.bak', 'notes.txt']);
});

test('spool: thinning drops every second of the oldest records, and keeps acknowledgements', (t) => {
  const folder = scratch(t);
  const { queue, told } = open(folder);
  for (const text of numbers(200)) queue.append(Buffer.from(text));
  const before = queue.bytes;
  const first = queue.peek(2, 1e9);
  queue.acknowledge(first.at(-1)!.sequence);
  assert.ok(queue.thin());
  assert.ok(queue.bytes < before);
  const rest = texts(open(folder).queue);
  assert.deepEqual(rest.slice(0, 3), ['record 3', 'record 5', 'record 7']);
  while (queue.thin());
  const all = drain(queue);
  assert.equal(all.length + 2 + told.lost.thinned!, 200);
  assert.ok(all.length < 60, String(all.length));
});

test('spool: heartbeats are thinned and dropped before any event is', (t) => {
  const lost: Record<string, number> = {};
  const bound = 400_000;
  const spool = new Spool({
    folder: scratch(t),
    bound,
    lost: (signal, reason, count) => {
      lost[`${signal} ${reason}`] = (lost[`${signal} ${reason}`] ?? 0) + count;
    },
    trouble: (_, message) => assert.equal(message, null),
  });
  const noise = () => Array.from({ length: 60 }, () => Math.random()).join();
  const event = (n: number) => {
    const body = `${n} ${noise()}`;
    const occurrence = {
      kind: 'event',
      name: 'holdfast.drift',
      severity: 'warn',
      time: n,
      body,
      attributes: {},
    } as const;
    spool.addEvent({ id: `a-${n}`, observed: n, event: occurrence, resource: {} });
  };
  for (let n = 1; n <= 2000; n++) {
    spool.addMeasurements({ time: n, start: 0, sequence: n, samples: [], resource: { noise: noise() } });
    if (n % 10 === 0) event(n);
    assert.ok(spool.bytes <= bound);
  }
  assert.equal(lost['events full'], undefined);
  assert.ok(lost['metrics thinned']! > 500);
  const read = (queue: Queue) => {
    const found: unknown[] = [];
    for (let batch = queue.peek(50, 1e6); batch.length > 0; batch = queue.peek(50, 1e6)) {
      found.push(...batch.map((entry) => unpack(entry)));
      queue.acknowledge(batch.at(-1)!.sequence);
    }
    return found as { sequence: number; id: string }[];
  };
  const beats = read(spool.metrics);
  assert.equal(beats.length + lost['metrics thinned']! + (lost['metrics full'] ?? 0), 2000);
  const events = read(spool.events).map(({ id }) => id);
  assert.deepEqual(
    events,
    Array.from({ length: 200 }, (_, n) => `a-${(n + 1) * 10}`),
  );
  // Newer heartbeats are closer together than older ones, and the last is there.
  const gaps = beats.slice(1).map(({ sequence }, index) => sequence - beats[index]!.sequence);
  assert.equal(beats.at(-1)!.sequence, 2000);
  assert.ok(gaps.at(-1)! <= gaps[0]!, `${gaps}`);
  for (let n = 1; n <= 2000; n++) event(n);
  assert.ok(spool.bytes <= bound);
  const kept = read(spool.events).map(({ id }) => id);
  assert.equal(kept.length + lost['events full']!, 2000);
  assert.equal(kept.at(-1), 'a-2000');
});

test('spool: killed with -9 again and again, no appended record is lost or out of order', async (t) => {
  const folder = scratch(t);
  const program = `
    import { writeSync } from 'node:fs';
    import { Queue } from '${REPOSITORY}/agent/report/spool/queue.ts';
    const queue = new Queue({ folder: '${folder}', segmentBytes: 4096, memoryBytes: 1, overflow: 'oldest', lost() {}, trouble() {} });
    for (let n = Number(process.argv.at(-1)); ; n++) { queue.append(Buffer.from('record ' + n)); writeSync(1, n + '\\n'); }`;
  let done = 0;
  for (let run = 0; run < 5; run++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, String(done + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    for await (const chunk of child.stdout) {
      told += chunk;
      if (told.length > 3000 * (run + 1)) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    done = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
    const last = open(folder).queue.peek(1e9, 1e9).length;
    assert.ok(last > 0);
    // One more record may be there than was printed, if the kill came between the two.
    const all = drainCopy(folder, t);
    assert.deepEqual(all.slice(0, done), numbers(done));
    assert.ok(all.length <= done + 1);
    done = all.length;
  }
});

function drainCopy(folder: string, t: Parameters<typeof scratch>[0]): string[] {
  const copy = scratch(t);
  spawnSync('cp', ['-a', `${folder}/.`, copy]);
  return drain(open(copy).queue, 100);
}

test('spool: on a full disk, records wait in bounded memory and in order, until the disk has room', {
  skip: noNamespaces(),
}, () => {
  const { stdout, stderr, status } = privately(`
    mount -t tmpfs -o size=64k none /mnt
    ${nodeCommand(`
      import { rmSync, writeFileSync } from "node:fs";
      import { Queue } from "${REPOSITORY}/agent/report/spool/queue.ts";
      const troubles = [], lost = {};
      const queue = new Queue({ folder: "/mnt/spool", segmentBytes: 8192, memoryBytes: 50_000, overflow: "oldest",
        lost: (reason, count) => { lost[reason] = (lost[reason] ?? 0) + count; }, trouble: (message) => troubles.push(message) });
      try { writeFileSync("/mnt/ballast", Buffer.alloc(1 << 20)); } catch {}
      rmSync("/mnt/ballast");
      try { writeFileSync("/mnt/ballast", Buffer.alloc(40_000)); } catch {}
      for (let n = 1; n <= 600; n++) queue.append(Buffer.from(String(n).padEnd(100, ".")));
      const full = troubles.length;
      rmSync("/mnt/ballast");
      queue.append(Buffer.from("601"));
      const seen = [];
      for (let batch = queue.peek(50, 1e9); batch.length; batch = queue.peek(50, 1e9)) {
        seen.push(...batch.map(({ payload }) => Number.parseInt(payload)));
        queue.acknowledge(batch.at(-1).sequence);
      }
      console.log(JSON.stringify({ full, troubles, lost, seen, bytes: queue.bytes }));
    `)}`);
  assert.equal(status, 0, stderr);
  const { full, troubles, lost, seen, bytes } = JSON.parse(stdout);
  assert.equal(full, 1, 'told once, not at every record');
  assert.match(troubles[0], /in memory only: ENOSPC/);
  const all = Array.from({ length: 601 }, (_, n) => n + 1);
  assert.deepEqual(
    seen,
    all.filter((n) => seen.includes(n)),
  );
  assert.equal(seen.length + (lost.full ?? 0), 601);
  assert.ok(seen.length > 500 && seen.at(-1) === 601);
  assert.equal(bytes, 0);
});

test('spool: no other user can read the waiting records', (t) => {
  const folder = join(scratch(t), 'var', 'spool', 'events');
  open(folder).queue.append(Buffer.from('quoted from a log'));
  const mode = (path: string) => statSync(path).mode & 0o777;
  assert.equal(mode(folder), 0o700);
  assert.equal(mode(join(folder, segmentsIn(folder)[0]!)), 0o600);
  assert.notEqual(mode(join(folder, '../..')) & 0o005, 0);
});

test('spool: without a folder, records wait in memory, and an event says so', (t) => {
  const folder = scratch(t, { spool: 'a file' });
  const { queue, told } = open(join(folder, 'spool'));
  for (const text of numbers(3)) queue.append(Buffer.from(text));
  assert.deepEqual(drain(queue), numbers(3));
  assert.equal(told.troubles.length, 1);
});

test('spool: reading goes on from segment to segment, and into memory', (t) => {
  const { queue } = open(scratch(t), { segmentBytes: 60 });
  for (const text of numbers(20)) queue.append(Buffer.from(text));
  assert.deepEqual(texts(queue), numbers(20));
  assert.deepEqual(texts(queue, 12).length, 2, 'bytes bound it, too');
});
