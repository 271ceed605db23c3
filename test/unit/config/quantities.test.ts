/** Quantities as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agoText } from '../../../agent/config/notation/quantities.ts';

test('quantities: what was moments ago is not 0 min ago', () => {
  const texts = [0, 400, 29_000, 119_000, 120_000, 3_600_000].map(agoText);
  assert.deepEqual(texts, ['1 s', '1 s', '29 s', '119 s', '2 min', '60 min']);
});
