/** The rules resource without a kernel: below another root it skips, and without rules it does nothing at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredRule } from '../../../../agent/config/desired.ts';
import { Host } from '../../../../agent/host/host.ts';
import { leftovers } from '../../../../agent/resources/leftovers.ts';
import { Rules } from '../../../../agent/resources/rules/rules.ts';
import { accepted } from '../../../parts/accepted.ts';
import { scratch } from '../../../parts/scratch.ts';

const RULE: DesiredRule = {
  ...{ family: 'ipv4', priority: 100, from: accepted('10.0.2.10/32'), to: null },
  ...{ mark: null, iif: null, oif: null, table: 10002 },
};

test('rules: below another root nothing is asked of this kernel', async (t) => {
  const host = new Host({ root: scratch(t, {}) });
  const [finding, ...more] = await new Rules(host, [RULE]).inspect();
  assert.deepEqual(
    [finding?.key, finding?.state, finding?.wanted],
    ['ipv4 rule 100', 'skipped', 'from 10.0.2.10/32 table 10002'],
  );
  assert.deepEqual(more, []);
  assert.deepEqual(await new Rules(host, []).inspect(), []);
});

test('rules: only a host that has the note of made rules has them to put back', (t) => {
  const left = (files: Record<string, string>) =>
    leftovers(new Host({ root: scratch(t, files) }), ['rules']).map(({ key, turn }) => [key, turn]);
  assert.deepEqual(left({}), []);
  assert.deepEqual(left({ 'run/holdfast/rules': '' }), [['rules', 'rules']]);
});
