/** The sizes of waves: what --waves accepts, and how many hosts a wave has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_WAVES, parseWaves, waveLimit } from '../../../../agent/collector/waves/wave-sizes.ts';

function limits(text: string, known: number): number[] {
  const sizes = parseWaves(text);
  return sizes.map((_, wave) => waveLimit(sizes, wave, known));
}

test('wave sizes: shares are of all hosts, at least 1, and never less than the wave before', () => {
  assert.deepEqual(limits(DEFAULT_WAVES, 1_000), [1, 10, 100, Number.POSITIVE_INFINITY]);
  assert.deepEqual(limits(DEFAULT_WAVES, 3), [1, 1, 1, Number.POSITIVE_INFINITY]);
  assert.deepEqual(limits('5,1%,100%', 100), [5, 5, Number.POSITIVE_INFINITY]);
  assert.deepEqual(limits('100%', 7), [Number.POSITIVE_INFINITY]);
});

test('wave sizes: what cannot be meant is refused with a sentence', () => {
  for (const [text, why] of [
    ['', /not a list/],
    ['0,100%', /not a list/],
    ['1,101%', /not a list/],
    ['1,1.5%,100%', /not a list/],
    ['1,10%', /the last wave is not 100%/],
    ['10%,1%,100%', /smaller than the one before/],
    ['5,2,100%', /smaller than the one before/],
    [`${'1,'.repeat(20)}100%`, /more than 20 waves/],
  ] as const)
    assert.throws(() => parseWaves(text), why, text);
});
