/** Whether a process has read a file as it is now, also if the clock was stepped since. */
import assert from 'node:assert/strict';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { changedAfterStart, mayBeSinceStart, noteFile } from '../../../../agent/host/files/file-times.ts';
import { Host } from '../../../../agent/host/host.ts';
import { type Process, sinceBoot } from '../../../../agent/host/process/processes.ts';
import { scratch } from '../../../parts/scratch.ts';

const FILE = '/etc/x.conf';
const RECORD = 'run/holdfast/file-times';
const HOUR = 3_600_000;

/** A process that started this many milliseconds after the boot, by the present clock. */
function startedAt(start: number): Process {
  return { pid: 7, arguments: [], started: Date.now() - sinceBoot() + start, sinceBoot: start };
}

/** Changes the first note, so that the clock seems to have been stepped by this many milliseconds since. */
function stepped(root: string, host: Host, by: number): void {
  const record = JSON.parse(host.readText(`/${RECORD}`)!);
  writeFileSync(join(root, RECORD), JSON.stringify({ ...record, boot: record.boot - by }));
}

function made(t: TestContext) {
  const root = scratch(t, { 'etc/x.conf': 'old\n' });
  return { root, host: new Host({ root }) };
}

/** The file's times after an apply, with a start of the host before and after it. */
function changed(root: string, host: Host) {
  const before = startedAt(sinceBoot() - 50);
  noteFile(host, FILE);
  writeFileSync(join(root, 'etc/x.conf.new'), 'new\n');
  const otherwise = sinceBoot();
  renameSync(join(root, 'etc/x.conf.new'), join(root, 'etc/x.conf'));
  noteFile(host, FILE, otherwise);
  return { before, after: startedAt(sinceBoot() + 50) };
}

for (const by of [0, -HOUR, HOUR, 20 * 365 * 24 * HOUR]) {
  test(`file times: a process is stale if it started before the change, after a clock step of ${by / HOUR} h`, (t) => {
    const { root, host } = made(t);
    const { before, after } = changed(root, host);
    stepped(root, host, by);
    // By the clock alone the two are taken for each other after a step.
    const shifted = ({ started, ...rest }: Process) => ({ ...rest, started: started + by });
    assert.notEqual(changedAfterStart(host, FILE, shifted(before)), null);
    assert.equal(changedAfterStart(host, FILE, shifted(after)), null);
  });
}

test('file times: another mode, or the same text written anew, is no change', (t) => {
  const { root, host } = made(t);
  const { after } = changed(root, host);
  chmodSync(join(root, 'etc/x.conf'), 0o600);
  assert.equal(changedAfterStart(host, FILE, after), null);
  writeFileSync(join(root, 'etc/x.conf'), 'new\n');
  noteFile(host, FILE);
  assert.equal(changedAfterStart(host, FILE, after), null);
});

test('file times: a file without a note is judged by the clock, also by the clock from before a step', (t) => {
  const { root, host } = made(t);
  const now = sinceBoot();
  assert.notEqual(changedAfterStart(host, FILE, startedAt(now - HOUR)), null);
  assert.equal(changedAfterStart(host, FILE, startedAt(now + HOUR)), null);
  assert.equal(changedAfterStart(host, '/etc/none', startedAt(0)), null);
  noteFile(host, '/etc/other');
  stepped(root, host, HOUR);
  // The clock went forward by an hour. By the new clock the process started after the file, by the old one before it.
  assert.notEqual(changedAfterStart(host, FILE, startedAt(now + HOUR / 2)), null);
  assert.ok(mayBeSinceStart(host, Date.now() - HOUR / 2, startedAt(now)));
});

test('file times: a damaged record counts as none', (t) => {
  const { root, host } = made(t);
  noteFile(host, FILE);
  for (const text of ['', '{', '[]', '{"boot":"x"}', 'null']) {
    writeFileSync(join(root, RECORD), text);
    assert.equal(changedAfterStart(host, FILE, startedAt(sinceBoot() + HOUR)), null);
    noteFile(host, FILE);
  }
});
