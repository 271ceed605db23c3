/** The daemon emits conditions when they begin and end, and prints lines for people or for a service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conditions } from '../../../agent/daemon/daemon-events.ts';
import { forPeople, makeLog } from '../../../agent/daemon/log.ts';
import type { Condition, Occurrence } from '../../../probes/probe.ts';

function condition(code: string, table = 'main'): Condition {
  return { kind: 'condition', code, severity: 'warn', body: `${code} of ${table}`, attributes: { table } };
}

test('daemon events: a condition makes one event when it begins and one when it ends', () => {
  const told: string[] = [];
  const conditions = new Conditions(({ name, severity, body }) => told.push(`${severity} ${name}: ${body}`));
  const [a, b] = [condition('near-limit'), condition('near-limit', 'local')];
  conditions.update('routes', [a]);
  conditions.update('routes', [a, b]);
  conditions.update('leases', []);
  assert.deepEqual(conditions.all(), [a, b]);
  conditions.update('routes', [b]);
  conditions.update('routes', []);
  assert.deepEqual(conditions.all(), []);
  assert.deepEqual(told, [
    'warn holdfast.condition.raised: near-limit of main',
    'warn holdfast.condition.raised: near-limit of local',
    'info holdfast.condition.cleared: over: near-limit of main',
    'info holdfast.condition.cleared: over: near-limit of local',
  ]);
});

test('daemon events: the remedy is in the event that begins a condition, not in the one that ends it', () => {
  const told: string[] = [];
  const conditions = new Conditions(({ body }) => told.push(body));
  conditions.update('configuration', [{ ...condition('not in force'), remedy: 'Run: reload.' }]);
  conditions.update('configuration', []);
  assert.deepEqual(told, ['not in force of main Run: reload.', 'over: not in force of main']);
});

test('daemon events: a condition that turns into another one about the same thing is not reported as over', () => {
  const told: string[] = [];
  const conditions = new Conditions(({ severity, body }) => told.push(`${severity} ${body}`));
  conditions.update('routes', [condition('near-limit'), condition('near-limit', 'local')]);
  conditions.update('routes', [condition('at-limit')]);
  assert.deepEqual(told.slice(2), [
    'info no longer near-limit, but at-limit: at-limit of main',
    'info over: near-limit of local',
    'warn at-limit of main',
  ]);
});

const EVENT: Occurrence = {
  kind: 'event',
  name: 'holdfast.heal',
  severity: 'warn',
  time: 0,
  body: '/etc/resolv.conf was changed',
  attributes: { resource: 'resolver' },
};

test('daemon events: the log of a service has one JSON object a line', () => {
  const lines: string[] = [];
  makeLog({ write: (line) => lines.push(line) })({ ...EVENT, body: 'two\nlines' });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^\{.*\}\n$/);
  const { time, ...rest } = JSON.parse(lines[0]!);
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: 'warn', event: 'holdfast.heal', resource: 'resolver', msg: 'two\nlines' });
});

test('daemon events: the log on a terminal has plain lines without control characters', () => {
  const lines: string[] = [];
  makeLog(forPeople((line) => lines.push(line)))({ ...EVENT, body: 'said \u001b[31mred' });
  assert.match(lines.join(''), /^\d\d:\d\d:\d\d warn {2}said \\u001b\[31mred\n$/);
});
