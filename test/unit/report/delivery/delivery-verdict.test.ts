/** What each status of an answer means, and how long the answer asks to wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay, TIMING } from '../../../../agent/report/delivery/lane.ts';
import { judgeDelivery, retryAfter } from '../../../../agent/report/delivery/verdict.ts';

const NOW = Date.parse('2026-11-22T08:00:00Z');
const verdict = (status: number, headers = {}, body = '') =>
  judgeDelivery({ status, headers, body: Buffer.from(body) }, () => null, NOW);

test('delivery verdict: every status has one meaning', () => {
  for (const status of [200, 202, 204]) assert.equal(verdict(status).kind, 'accepted', String(status));
  for (const status of [0, 101, 301, 307, 401, 403, 408, 429, 500, 502, 503, 504, 507, 999])
    assert.equal(verdict(status).kind, 'later', String(status));
  for (const status of [400, 413, 422]) assert.equal(verdict(status).kind, 'refused', String(status));
});

test('delivery verdict: an answer by a proxy is waited out', () => {
  const html = { 'content-type': 'text/html; charset=utf-8' };
  const text = { 'content-type': 'text/plain' };
  const cases: [number, Record<string, string>, string][] = [
    [400, html, '<center>The SSL certificate error</center>'],
    [400, text, 'malformed Host header'],
    [400, {}, 'Client sent an HTTP request to an HTTPS server.\n'],
    [422, text, 'unprocessable'],
    [404, text, '404 page not found'],
    [404, {}, ''],
    [405, html, '<html>'],
    [410, {}, ''],
    [415, text, ''],
    [421, {}, ''],
    [431, {}, ''],
    [407, html, ''],
    [495, html, ''],
    [200, html, '<html>'],
    [200, {}, '<!doctype html><title>Log in</title>'],
    [200, text, '\ufeff\r\n <html>'],
    [202, { 'content-type': 'application/xml' }, '<?xml version="1.0"?>'],
  ];
  for (const [status, headers, body] of cases) assert.equal(verdict(status, headers, body).kind, 'later', `${status}`);
});

test('delivery verdict: an answer that does not look like a web page counts by its status', () => {
  for (const body of ['', '{}', '{"partialSuccess":{}}', '\n\x02\b\x03', 'ok']) {
    assert.equal(verdict(200, {}, body).kind, 'accepted', body);
  }
});

test('delivery verdict: a refusal in OTLP comes from the receiver, and 413 counts from anybody', () => {
  for (const type of ['application/x-protobuf', 'application/json; charset=utf-8', 'Application/JSON']) {
    for (const status of [400, 422])
      assert.equal(verdict(status, { 'content-type': type }, 'why').kind, 'refused', `${status} ${type}`);
  }
  assert.equal(verdict(413, { 'content-type': 'text/html' }, '<html>').kind, 'refused');
});

test('Retry-After: seconds and dates are obeyed up to an hour, and nonsense is ignored', () => {
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

test('delivery: retries double up to a minute, and no two hosts keep step', () => {
  const range = (failures: number) => [retryDelay(failures, TIMING, 0), retryDelay(failures, TIMING, 1)];
  assert.deepEqual(range(0), [500, 1000]);
  assert.deepEqual(range(3), [4000, 8000]);
  for (const failures of [6, 100, 5000]) assert.deepEqual(range(failures), [30_000, 60_000]);
  assert.equal(new Set(Array.from({ length: 1000 }, () => retryDelay(9, TIMING))).size, 1000);
});
