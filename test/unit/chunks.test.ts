/** Chunks are modules: one that fails fails the same way for everybody who imports it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, runChunks } from '../../packaging/chunks.ts';

test('executable chunks: a chunk that failed is not run again, and nobody is given half of it', () => {
  const told: unknown[] = [];
  const texts: Record<string, string> = {
    'cli.js': `for (let n = 0; n < 2; n++) try { require('tell')(require('./user.js')); } catch (error) { require('tell')(error.message); }`,
    'user.js': `module.exports = require('./addon.js').half.whole;`,
    'addon.js': `require('tell')('loads'); module.exports = {}; throw new Error('no folder will do');`,
  };
  const nodeRequire = () => (what: unknown) => told.push(what);
  runChunks('cli.js', (name) => ({ source: pack({ [name]: texts[name]! }) }), nodeRequire);
  assert.deepEqual(told, ['loads', 'no folder will do', 'no folder will do']);
});

test('executable chunks: what lies in one pack is read once, and run when it is first imported', () => {
  const told: unknown[] = [];
  const packs: Record<string, Record<string, string>> = {
    'cli.js': {
      'cli.js': `require('tell')('cli'); require('./late.js'); require('./near.js'); require('./near.js');`,
      'near.js': `require('tell')('near');`,
      'never.js': `require('tell')('never');`,
    },
    'late.js': { 'late.js': `require('./near.js'); require('tell')('late');` },
  };
  const nodeRequire = () => (what: unknown) => told.push(what);
  const read = (name: string) => {
    told.push(`reads ${name}`);
    return { source: pack(packs[name]!) };
  };
  runChunks('cli.js', read, nodeRequire);
  assert.deepEqual(told, ['reads cli.js', 'cli', 'reads late.js', 'near', 'late']);
});

test('pack: a chunk that is not ASCII is refused, with the place', () => {
  assert.throws(() => pack({ 'a.js': 'x = /a/', 'b.js': 'y = /[“”]/;' }), /b\.js is not ASCII at .*y = .*\\u escapes/);
});
