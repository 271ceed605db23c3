/** What an answer means, status by status, and how long it asks to wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay, TIMING } from '../../agent/report/lane.ts';
import { judge, retryAfter } from '../../agent/report/verdict.ts';

const NOW = Date.parse('2026-11-22T08:00:00Z');
const verdict = (status: number, headers = {}) => judge({ status, headers, body: Buffer.alloc(0) }, () => null, NOW);

test('every status has one meaning', () => {
  for (const status of [200, 202, 204]) assert.equal(verdict(status).kind, 'accepted', String(status));
  for (const status of [0, 101, 301, 307, 401, 403, 408, 429, 500, 502, 503, 504, 507, 999]) {
    assert.equal(verdict(status).kind, status === 0 || status === 101 ? 'refused' : 'later', String(status));
  }
  for (const status of [400, 413, 422]) {
    const { kind, divisible } = verdict(status) as { kind: string; divisible: boolean };
    assert.deepEqual([kind, divisible], ['refused', true], String(status));
  }
  for (const status of [402, 404, 405, 415]) {
    const { kind, divisible } = verdict(status) as { kind: string; divisible: boolean };
    assert.deepEqual([kind, divisible], ['refused', false], String(status));
  }
});

test('Retry-After: seconds, a date, nonsense, and more than an hour', () => {
  const cases: [string | undefined, number][] = [
    [undefined, 0],
    ['', 0],
    ['0', 0],
    ['17', 17_000],
    [' 17 ', 17_000],
    ['-5', 0],
    ['1e3', 0],
    ['soon', 0],
    ['Sun, 22 Nov 2026 08:01:30 GMT', 90_000],
    ['Sun, 22 Nov 2026 07:00:00 GMT', 0],
    ['Sun, 22 Nov 2099 08:01:30 GMT', 3_600_000],
    ['99999999999999999999', 3_600_000],
  ];
  for (const [header, wait] of cases) assert.equal(retryAfter(header, NOW), wait, String(header));
  for (const status of [429, 503]) {
    const { after } = verdict(status, { 'retry-after': '5' }) as { after: number };
    assert.equal(after, 5000);
  }
});

test('retries double up to a minute, and no two hosts keep step', () => {
  const range = (failures: number) => [retryDelay(failures, TIMING, 0), retryDelay(failures, TIMING, 1)];
  assert.deepEqual(range(0), [500, 1000]);
  assert.deepEqual(range(3), [4000, 8000]);
  for (const failures of [6, 100, 5000]) assert.deepEqual(range(failures), [30_000, 60_000]);
  assert.equal(new Set(Array.from({ length: 1000 }, () => retryDelay(9, TIMING))).size, 1000);
});
