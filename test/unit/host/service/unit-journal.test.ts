/** The journal of units: entries of any form, and a journalctl that ends, floods or complains. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startProgram } from '../../../../agent/host/process/run-program.ts';
import { type UnitEntry, unitEntry } from '../../../../agent/host/service/unit-entries.ts';
import { UnitJournal } from '../../../../agent/host/service/unit-journal.ts';

const UNITS = ['frr.service', 'bird.service'];
const entry = (fields: Record<string, unknown>) => JSON.stringify({ __CURSOR: 's=1;i=2', ...fields });
const linesOf = (MESSAGE: unknown) => unitEntry(entry({ MESSAGE }), UNITS)?.lines;

test('unit journal: a message is a text, bytes, several values, or left out', () => {
  assert.deepEqual(linesOf('one'), ['one']);
  assert.deepEqual(linesOf('one\ntwo'), ['one', 'two']);
  assert.deepEqual(linesOf([110, 117, 108, 0, 98, 255]), ['nul\0b\ufffd']);
  assert.deepEqual(linesOf(['one', [116, 119, 111], null, 7]), ['one', 'two']);
  for (const MESSAGE of [null, undefined, [], {}, 7, [[[1]]], [['a', ['b']]]]) assert.deepEqual(linesOf(MESSAGE), []);
  assert.deepEqual(linesOf('x'.repeat(10_000)), ['x'.repeat(4096)]);
  assert.equal(linesOf('\n'.repeat(1_000))?.length, 64);
});

test('unit journal: an entry belongs to the unit that wrote it or that systemd speaks of; other lines are no entries', () => {
  const unitOf = (fields: object) => unitEntry(entry({ ...fields }), UNITS)?.unit;
  assert.equal(unitOf({ _SYSTEMD_UNIT: 'bird.service' }), 'bird.service');
  assert.equal(unitOf({ _SYSTEMD_UNIT: 'init.scope', UNIT: 'bird.service' }), 'bird.service');
  assert.equal(unitOf({ OBJECT_SYSTEMD_UNIT: ['x.service', 'bird.service'] }), 'bird.service');
  assert.equal(unitOf({ _SYSTEMD_UNIT: 'x.service' }), 'frr.service');
  const time = { __REALTIME_TIMESTAMP: '1796141518239885' };
  assert.equal(unitEntry(entry(time), UNITS)?.time, 1_796_141_518_240);
  for (const line of [
    '',
    '-- Reboot --',
    'null',
    '[]',
    '{"MESSAGE":"x"}',
    '{"__CURSOR":"--x y"}',
    `{"__CURSOR":["s=1"]}`,
  ])
    assert.equal(unitEntry(line, UNITS), null, line);
});

/** A journal whose journalctl is replaced by shell scripts, one for each start: the real one cannot be made to misbehave. */
function scripted(t: TestContext, scripts: readonly string[], clock = () => performance.now()) {
  const asked: string[][] = [];
  const journal = new UnitJournal(UNITS, {
    span: 'follow',
    machine: null,
    cursor: 's=0',
    clock,
    start(_, args) {
      const script = scripts[Math.min(asked.push([...args]), scripts.length) - 1]!;
      return startProgram('sh', ['-c', script]);
    },
    run: async () => ({ status: 0, stdout: entry({ __CURSOR: 's=9' }), stderr: '', error: null }),
  });
  t.after(() => journal.close());
  return { journal, asked };
}

const say = (n: number) => `echo '{"__CURSOR":"s=${n}","MESSAGE":"message ${n}"}'`;

async function readUntil(journal: UnitJournal, enough: (entries: UnitEntry[]) => boolean): Promise<UnitEntry[]> {
  const entries: UnitEntry[] = [];
  for (let n = 0; n < 500 && !enough(entries); n += 1) {
    entries.push(...(await journal.read()));
    await pause(10);
  }
  return entries;
}

test('unit journal: a journalctl that ends is told, and started again after the last entry with longer and longer waits', async (t) => {
  let now = 0;
  const { journal, asked } = scripted(
    t,
    [`${say(1)}; echo oh >&2; exit 3`, 'exit 4', `${say(1)}; ${say(2)}; sleep 60`],
    () => now,
  );
  const first = await readUntil(journal, ({ length }) => length > 0);
  await readUntil(journal, () => journal.deaf !== null);
  assert.deepEqual(
    first.flatMap(({ lines }) => lines),
    ['message 1'],
  );
  assert.equal(journal.deaf, 'journalctl ended with status 3: oh');
  now = 999;
  await journal.read();
  assert.equal(asked.length, 1);
  now = 1_000;
  await readUntil(journal, () => journal.deaf !== 'journalctl ended with status 3: oh');
  assert.equal(journal.deaf, 'journalctl ended with status 4');
  now = 2_999;
  await journal.read();
  assert.equal(asked.length, 2);
  now = 3_000;
  const again = await readUntil(journal, ({ length }) => length > 0);
  assert.deepEqual(
    again.flatMap(({ lines }) => lines),
    ['message 2'],
    'not the one of its cursor',
  );
  assert.ok(asked[2]?.includes('--cursor=s=1'));
  assert.notEqual(journal.deaf, null, 'it may end at once');
  now = 8_000;
  await journal.read();
  assert.equal(journal.deaf, null);
});

test('unit journal: a program that does not exist, or is refused, is told', async (t) => {
  const start = (program: () => ReturnType<typeof startProgram>) => {
    const journal = new UnitJournal(UNITS, { span: 'follow', machine: null, cursor: 's=0', start: program });
    t.after(() => journal.close());
    return journal;
  };
  const absent = start(() => startProgram('/nowhere/journalctl', []));
  await readUntil(absent, () => absent.deaf !== null);
  assert.equal(absent.deaf, 'journalctl cannot be started: spawn /nowhere/journalctl ENOENT');
  const refused = start(() => {
    throw new Error('spawn EPERM');
  });
  await refused.read();
  assert.equal(refused.deaf, 'spawn EPERM');
});

test('unit journal: a cursor that journalctl refuses is given up', async (t) => {
  let now = 0;
  const complaint = 'echo "Failed to seek to cursor: Invalid argument" >&2; exit 1';
  const { journal, asked } = scripted(t, [complaint, 'sleep 60'], () => now);
  await readUntil(journal, () => journal.deaf !== null);
  now = 1_000;
  await journal.read();
  assert.ok(asked[1]?.includes('--cursor=s=9'));
});

test('unit journal: a flood is read bit by bit, and an endless entry is skipped', async (t) => {
  const flood = `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo '{"__CURSOR":"s='$i'","MESSAGE":"${'x'.repeat(300)}"}'; done`;
  const endless = `head -c 3000000 /dev/zero | tr '\\0' x; echo`;
  const { journal } = scripted(t, [`${flood}; ${endless}; ${say(30_000)}; sleep 60`]);
  await journal.read();
  await pause(1_000);
  const first = await journal.read();
  assert.ok(first.length > 1_000 && first.length < 10_000, `${first.length}`);
  const rest = await readUntil(journal, (entries) => entries.at(-1)?.cursor === 's=30000');
  assert.equal(first.length + rest.length, 20_001);
});

test('unit journal: closed, it leaves no process, also one whose output nobody reads', async (t) => {
  for (const script of ['sleep 60', `exec yes '${entry({ MESSAGE: 'y' })}'`]) {
    let pid: number | undefined;
    const journal = new UnitJournal(UNITS, {
      span: 'follow',
      machine: null,
      cursor: 's=0',
      start() {
        const child = startProgram('sh', ['-c', script]);
        pid = child.pid;
        return child;
      },
    });
    t.after(() => journal.close());
    await journal.read();
    await pause(200);
    await journal.close();
    assert.equal(existsSync(`/proc/${pid}`), false);
    assert.deepEqual(await journal.read(), []);
  }
});
