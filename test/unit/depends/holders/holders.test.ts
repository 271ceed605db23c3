/** Holders: which running programs keep a list of servers, and which list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsServers } from '../../../../agent/depends/holders/holder-kinds.ts';
import {
  extended,
  HISTORY,
  loadHistory,
  namedAt,
  saveHistory,
} from '../../../../agent/depends/holders/server-history.ts';
import type { Program } from '../../../../agent/host/process/programs.ts';
import { around } from '../../../parts/depends-scene.ts';

const PROGRAM: Program = {
  pid: 7,
  parent: 1,
  comm: 'x',
  executable: '/usr/bin/x',
  started: 0,
  sinceBoot: 0,
  unit: null,
  container: null,
  tree: 'a',
  mounts: 'a',
};
const map = (path: string) => `7f0000000000-7f0000001000 r-xp 00000000 08:01 1234                       ${path}\n`;

test('programs that keep their servers are known by name, c-ares and old glibc by the mapped library', () => {
  const keeps = (program: Partial<Program>, maps = '', noReload = false) =>
    keepsServers({ ...PROGRAM, ...program }, maps, noReload);
  assert.match(keeps({ executable: '/usr/local/bin/node' }) ?? '', /^Node keeps/);
  assert.match(keeps({ executable: '/usr/bin/node (deleted)' }) ?? '', /^Node keeps/);
  assert.match(keeps({ executable: null, comm: 'envoy' }) ?? '', /^Envoy/);
  assert.match(keeps({}, map('/usr/lib/x86_64-linux-gnu/libcares.so.2.5.1')) ?? '', /below 1\.22.* never/);
  assert.match(keeps({}, map('/usr/lib/libcares.so.2.5.1 (deleted)')) ?? '', /never/);
  assert.match(keeps({}, map('/usr/lib/libcares.so.2.19.4')) ?? '', /only if the program asks/);
  assert.match(keeps({}, map('/lib64/libc-2.17.so')) ?? '', /glibc 2\.17/);
  assert.equal(keeps({}, map('/lib64/libc-2.26.so')), null);
  assert.equal(keeps({}, map('/usr/lib/libc.so.6')), null);
  assert.match(keeps({}, map('/usr/lib/libc.so.6'), true) ?? '', /no-reload/);
  assert.equal(keeps({}, map('/lib/ld-musl-x86_64.so.1'), true), null);
  // A name that only looks alike.
  assert.equal(keeps({}, map('/home/x/libcares.so.2.5.1.txt')), null);
});

test('the history says what a file named when a program started, and is unknown before its first look', () => {
  const first = extended({}, { 'resolv.conf': { addresses: ['10.0.0.1'], changed: 1000 } }, 5000);
  const same = extended(first, { 'resolv.conf': { addresses: ['10.0.0.1'], changed: 1000 } }, 10_000);
  const next = extended(same, { 'resolv.conf': { addresses: ['10.0.0.2', '10.0.0.2'], changed: 12_000 } }, 15_000);
  const at = (time: number) => namedAt(next, 'resolv.conf', time);
  assert.equal(at(999), null);
  assert.deepEqual(at(1000), ['10.0.0.1']);
  assert.deepEqual(at(10_000), ['10.0.0.1']);
  // Between the last look at the one list and the begin of the next, either may have been read.
  assert.deepEqual(at(11_000), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(at(12_000), ['10.0.0.2']);
  assert.deepEqual(at(99_000), ['10.0.0.2']);
  assert.equal(namedAt(next, 'nginx', 5000), null);
  // A file with a time stamp of the future is not younger than the look.
  assert.equal(extended({}, { a: { addresses: [], changed: 99_000 } }, 5000).a![0]!.since, 5000);
});

test('the history keeps a bounded number of lists, and a damaged record counts as none', (t) => {
  let history = {};
  for (let n = 1; n <= 100; n += 1) history = extended(history, { a: { addresses: [`10.0.0.${n}`], changed: n } }, n);
  const { host } = around(t, { files: {} });
  saveHistory(host, history);
  assert.equal(loadHistory(host).a?.length, 32);
  assert.deepEqual(loadHistory(host).a?.at(-1)?.addresses, ['10.0.0.100']);
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"a":1}',
    '{"a":[{"since":1}]}',
    '{"a":[{"since":1,"until":2,"addresses":[3]}]}',
  ]) {
    host.replaceOwn(HISTORY, text, 0o600);
    assert.equal(loadHistory(host).a, undefined, text);
  }
});
