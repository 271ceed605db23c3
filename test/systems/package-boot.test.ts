/** What the package adds to a boot; `npm run lifecycle` writes its numbers down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootCosts } from './boot-cost.ts';
import { bootTable } from './boot-table.ts';
import { unavailable } from './machine.ts';

test('package boot: nothing before there is a configuration, and nothing that the boot waits for but the one apply', {
  skip: unavailable(),
}, async (t) => {
  const boots = await bootCosts('bookworm', 1);
  t.diagnostic(`\n${bootTable(boots)}`);
  const [idle] = boots['installed, no configuration'];
  const [configured] = boots.configured;
  assert.deepEqual(idle!.units, []);
  assert.deepEqual(
    configured!.units.map(({ unit }) => unit),
    ['holdfast-apply.service', 'holdfast.service'],
  );
  assert.deepEqual(configured!.waiting, [], 'no target waits until the daemon is ready');
});
