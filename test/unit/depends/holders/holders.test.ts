/** Holders: which running programs keep a list of servers, and which list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../../agent/address/accepted.ts';
import { keepsServers } from '../../../../agent/depends/holders/holder-kinds.ts';
import { holdersSource } from '../../../../agent/depends/holders/holders-source.ts';
import {
  extended,
  HISTORY,
  type KeptList,
  loadHistory,
  namedSince,
  saveHistory,
} from '../../../../agent/depends/holders/server-history.ts';
import type { Program } from '../../../../agent/host/process/programs.ts';
import { accepted } from '../../../parts/accepted.ts';
import { around, ask, seeing } from '../../../parts/depends-scene.ts';
import { noNamespaces } from '../../../parts/scratch.ts';

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

test('the history says what a file named since a program started, and is unknown before its first look', () => {
  const first = extended({}, { 'resolv.conf': { addresses: accepted(['10.0.0.1']), changed: 1000 } }, 5000);
  const same = extended(first, { 'resolv.conf': { addresses: accepted(['10.0.0.1']), changed: 1000 } }, 10_000);
  const next = extended(
    same,
    { 'resolv.conf': { addresses: accepted(['10.0.0.2', '10.0.0.2']), changed: 12_000 } },
    15_000,
  );
  const at = (time: number) => namedSince(next, 'resolv.conf', time, 12_000);
  assert.equal(at(999), null);
  assert.deepEqual(at(1000), ['10.0.0.1']);
  assert.deepEqual(at(10_000), ['10.0.0.1']);
  assert.deepEqual(at(11_000), ['10.0.0.1']);
  assert.deepEqual(at(12_000), ['10.0.0.2']);
  assert.deepEqual(at(99_000), ['10.0.0.2']);
  assert.equal(namedSince(next, 'nginx', 5000, 12_000), null);
  // A file with a time stamp of the future is not younger than the look.
  assert.equal(extended({}, { a: { addresses: [], changed: 99_000 } }, 5000).a![0]!.since, 5000);
});

const MINUTE = 60_000;

test('the history names every list that was in force after a program started, but the present one', () => {
  const list = (n: number, since: number, until: number): KeptList =>
    accepted({ since, until, addresses: [`10.0.0.${n}`] });
  const a = [list(1, 0, 9 * MINUTE), list(2, 10 * MINUTE, 14 * MINUTE), list(3, 15 * MINUTE, 20 * MINUTE)];
  // A program that asks its first question after a minute reads the list of that minute.
  assert.deepEqual(namedSince({ a }, 'a', MINUTE, 15 * MINUTE), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(namedSince({ a }, 'a', 11 * MINUTE, 15 * MINUTE), ['10.0.0.2']);
  // The file changed again, and the daemon has not looked yet.
  assert.deepEqual(namedSince({ a }, 'a', 11 * MINUTE, 21 * MINUTE), ['10.0.0.2', '10.0.0.3']);
});

test('the history is unknown where nobody looked while the file changed, perhaps several times', () => {
  const seen = (n: number, changed: number) => ({ a: { addresses: accepted<IpAddress[]>([`10.0.0.${n}`]), changed } });
  const friday = extended(extended({}, seen(1, 0), MINUTE), seen(1, 0), 60 * MINUTE);
  // The daemon was stopped. Before the file named 10.0.0.3, it named 10.0.0.2 for a while.
  const monday = extended(friday, seen(3, 500 * MINUTE), 600 * MINUTE);
  assert.equal(namedSince(monday, 'a', 400 * MINUTE, 500 * MINUTE), null);
  assert.equal(namedSince(monday, 'a', 30 * MINUTE, 500 * MINUTE), null);
  assert.deepEqual(namedSince(monday, 'a', 550 * MINUTE, 700 * MINUTE), null, 'nor is it known what was there lately');
  // The file names the same as before, and was written meanwhile.
  const back = extended(friday, seen(1, 500 * MINUTE), 600 * MINUTE);
  assert.equal(namedSince(back, 'a', 400 * MINUTE, 500 * MINUTE), null);
  // Nobody looked, and nothing changed.
  const quiet = extended(friday, seen(1, 0), 600 * MINUTE);
  assert.deepEqual(namedSince(quiet, 'a', 400 * MINUTE, 601 * MINUTE), ['10.0.0.1']);
});

test('the history keeps a bounded number of lists, and a damaged record counts as none', (t) => {
  let history = {};
  for (let n = 1; n <= 100; n += 1)
    history = extended(history, { a: { addresses: accepted([`10.0.0.${n}`]), changed: n } }, n);
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
    '{"a":[{"since":1,"until":2,"addresses":["ns1"]}]}',
  ]) {
    host.replaceOwn(HISTORY, text, 0o600);
    assert.equal(loadHistory(host).a, undefined, text);
  }
});

test('Docker’s own resolver before Docker 24 keeps the servers that the host had when the container started', {
  skip: noNamespaces('unshare'),
}, async (t) => {
  const container = { engine: 'docker', id: 'a'.repeat(64) };
  const program = async (text: string) => ({ ...(await seeing(t, text)), container });
  const old = await program('nameserver 127.0.0.11\noptions ndots:0\n');
  const noting = await program('nameserver 127.0.0.11\n# ExtServers: [10.0.0.1]\n');
  const direct = await program('nameserver 10.0.0.1\n');
  // This file is younger than the programs.
  const scene = around(t, { files: { 'etc/resolv.conf': 'nameserver 10.0.0.9\n' }, running: [old, noting, direct] });
  const { found } = await ask(holdersSource(scene), '10.0.0.1');
  assert.deepEqual(
    found.map(({ where }) => where.slice(0, 7)),
    ['started'],
  );
  assert.match(found[0]!.who, new RegExp(`sleep\\[${old.pid}\\]`));
  assert.equal(found[0]!.cure, 'restart the container');
});
