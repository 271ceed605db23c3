/** Chunks are modules: one that fails fails the same way for everybody who imports it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChunks, wrap } from '../../packaging/chunks.ts';

test('a chunk that failed is not run again, and nobody is given half of it', () => {
  const told: unknown[] = [];
  const texts: Record<string, string> = {
    'cli.js': `for (let n = 0; n < 2; n++) try { require('tell')(require('./user.js')); } catch (error) { require('tell')(error.message); }`,
    'user.js': `module.exports = require('./addon.js').half.whole;`,
    'addon.js': `require('tell')('loads'); module.exports = {}; throw new Error('no folder will do');`,
  };
  const nodeRequire = () => (what: unknown) => told.push(what);
  runChunks('cli.js', (name) => ({ source: wrap(texts[name]!) }), nodeRequire);
  assert.deepEqual(told, ['loads', 'no folder will do', 'no folder will do']);
});
