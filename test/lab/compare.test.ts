/** The instruments of `npm run compare`, on one short row by hand and one by Holdfast. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure } from '../compare/measure.ts';
import { labSubject } from '../compare/subject.ts';
import { comparison } from '../compare/table.ts';
import { HAND, HOLDFAST } from '../compare/ways.ts';
import { unavailable } from '../parts/lab/host.ts';

const options = { skip: unavailable(), concurrency: true };

// Beside one another, since both wait for a first renewal.
test('compare: the comparison tells the outage from its cure', options, async (t) => {
  await Promise.all([
    t.test('compare: by hand, the renewals bring the old servers back, and without them look-ups fail', async () => {
      await using subject = await labSubject();
      const row = await measure(subject, HAND, 2);
      assert.equal(row.changed, 'right');
      assert.equal(row.renewed, '**old servers**');
      assert.ok(row.renewals.wrongMs > 0 && row.renewals.lookUps.asked > 0, JSON.stringify(row));
      assert.ok(row.dead.asked > 0 && row.dead.failed === row.dead.asked, JSON.stringify(row));
      assert.deepEqual([row.restarted, row.found], ['right, options lost', true]);
      assert.match(comparison([row]), /^\| by hand \| both files \| .*\*\*old servers\*\*/m);
    }),

    t.test('compare: by agent apply, the servers stay and look-ups succeed', async () => {
      await using subject = await labSubject();
      const { changed, renewals, renewed, dead, restarted, found } = await measure(subject, HOLDFAST, 2);
      assert.deepEqual([changed, renewed, restarted, found], ['right', 'right', 'right', true]);
      assert.deepEqual([renewals.wrongMs, renewals.emptyMs, renewals.pings.lost], [0, 0, 0]);
      assert.ok(dead.failed < dead.asked, JSON.stringify(dead));
    }),
  ]);
});
