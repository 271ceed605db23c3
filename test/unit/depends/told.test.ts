/** The body of the event holdfast.dependences, and the order and verdict of a look. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dependence, DependsSource, ToldDependences, Unseen } from '../../../agent/depends/dependence.ts';
import { bodyOf, LARGEST_BODY } from '../../../agent/depends/dependences-event.ts';
import { lookAtAll, verdictOf } from '../../../agent/depends/look-at-sources.ts';
import { accepted } from '../../parts/accepted.ts';

const FOUND: Dependence = accepted({
  address: '10.0.0.1',
  tense: 'now',
  source: 's',
  who: 'w',
  where: 'p',
  reason: 'r',
  cure: 'c',
});
const UNSEEN: Unseen = { tense: 'boot', source: 's', reason: 'r' };

test('the body holds everything if it fits, and otherwise counts what it left out', () => {
  const whole = JSON.parse(bodyOf({ found: [FOUND], unseen: [UNSEEN], longestLease: 3600 })) as ToldDependences;
  assert.deepEqual(whole, { found: [FOUND], unseen: [UNSEEN], longestLease: 3600, cut: 0 });
  const found = Array.from({ length: 2000 }, (_, n) => ({ ...FOUND, source: `${n}`, who: `${n} ü` }));
  const text = bodyOf({ found, unseen: [UNSEEN], longestLease: null });
  const cut = JSON.parse(text) as ToldDependences;
  assert.ok(Buffer.byteLength(text) <= LARGEST_BODY);
  assert.equal(cut.found.length + cut.cut, 2000);
  assert.ok(cut.cut > 0);
  assert.deepEqual(cut.unseen, [UNSEEN]);
});

test('a thousand containers that name one server are told as one, so that nothing is left out', () => {
  const containers = Array.from({ length: 1000 }, (_, n) => ({ ...FOUND, who: `container ${n}` }));
  const body = bodyOf({ found: [...containers, { ...FOUND, source: 'nginx' }], unseen: [], longestLease: null });
  assert.ok(Buffer.byteLength(body) <= LARGEST_BODY);
  const { found, cut } = JSON.parse(body) as ToldDependences;
  assert.equal(cut, 0, 'nothing is missing, so another address may be safe');
  assert.deepEqual(found, [
    { ...FOUND, who: 'container 0, and 999 more' },
    { ...FOUND, source: 'nginx' },
  ]);
});

test('a hostile text of any length is cut, and does not push out the rest', () => {
  for (const text of ['x'.repeat(1_000_000), '"'.repeat(1_000_000), '\u{1F4A9}'.repeat(100_000)]) {
    const body = bodyOf({ found: [{ ...FOUND, who: text }, FOUND], unseen: [], longestLease: null });
    assert.ok(Buffer.byteLength(body) <= LARGEST_BODY);
    const told = JSON.parse(body) as ToldDependences;
    assert.deepEqual([told.found.length, told.cut], [2, 0]);
  }
});

const source = (name: string, look: DependsSource['look']): DependsSource => ({ name, tense: 'now', look });
const signal = new AbortController().signal;

test('a source that throws is unseen and hinders no other source; the answer is in the order of the tenses', async () => {
  const answer = await lookAtAll(
    [
      source('a', async () => ({
        found: [{ ...FOUND, tense: 'boot' }, { ...FOUND, tense: 'now' }, FOUND],
        unseen: [],
      })),
      source('b', async () => {
        throw new Error('no right');
      }),
    ],
    accepted(new Set(['10.0.0.1'])),
    signal,
  );
  assert.deepEqual(
    answer.found.map(({ tense }) => tense),
    ['now', 'boot'],
  );
  assert.deepEqual(answer.unseen, [{ tense: 'now', source: 'b', reason: 'no right' }]);
});

test('texts of other programs reach no terminal: control characters are shown, bytes of UTF-8 are decoded', async () => {
  const hostile = { ...FOUND, who: '\x1b[2Jx\u202e', where: Buffer.from('/etc/ü').toString('latin1') };
  const { found } = await lookAtAll([source('a', async () => ({ found: [hostile], unseen: [] }))], null, signal);
  assert.equal(found[0]?.who, '\\u001b[2Jx\\u202e');
  assert.equal(found[0]?.where, '/etc/ü');
});

test('a forwarder on this host counts only if its address is asked for', async () => {
  const local = source('a', async () => ({ found: [{ ...FOUND, address: accepted('127.0.0.53') }], unseen: [] }));
  assert.equal((await lookAtAll([local], null, signal)).found.length, 0);
  assert.equal((await lookAtAll([local], accepted(new Set(['127.0.0.53'])), signal)).found.length, 1);
});

test('the verdict: something found outweighs the unseen, and the unseen is never "no"', () => {
  assert.equal(verdictOf({ found: [], unseen: [] }), 'free');
  assert.equal(verdictOf({ found: [], unseen: [UNSEEN] }), 'unknown');
  assert.equal(verdictOf({ found: [FOUND], unseen: [UNSEEN] }), 'depends');
});
