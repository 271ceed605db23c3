/** Chunks are modules: a chunk that fails fails the same way for each that imports it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pack, runChunks } from '../../packaging/chunks.ts';
import { packOf } from '../../packaging/packs.ts';

const TARGET = 'node24';

/** Runs `cli.js` of these packs, each a record of chunks. Returns what the chunks tell, and each read of a pack. */
async function toldBy(packs: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<unknown[]> {
  const made = new Map<string, Pack>();
  const further = Object.entries(packs).filter(([name]) => name !== 'cli.js');
  const several = (name: string) => (name === 'cli.js' ? further.map(([, chunks]) => Object.keys(chunks)) : []);
  for (const [name, chunks] of Object.entries(packs))
    made.set(name, {
      source: await packOf(Object.keys(chunks), new Map(Object.entries(chunks)), TARGET, several(name)),
    });
  const told: unknown[] = [];
  const read = (name: string) => {
    told.push(`reads ${name}`);
    return made.get(name)!;
  };
  runChunks('cli.js', read, () => (what: unknown) => told.push(what));
  await new Promise(setImmediate);
  return told;
}

for (const [where, own] of Object.entries({ 'the same pack': true, 'another pack': false })) {
  test(`executable chunks: a chunk of ${where} that failed is not run again, and no importer is given half of it`, async () => {
    const chunks = {
      'user.js': `import { half } from './addon.js'; export const whole = half.whole;`,
      'addon.js': `const tell = require('node:tell'); tell('loads'); export const half = {}; throw new Error('no folder will do');`,
    };
    const cli = `const tell = require('node:tell');
const once = () => import('./user.js').then(tell, (error) => tell(error.message));
once().then(once);`;
    const told = await toldBy(
      own
        ? { 'cli.js': { 'cli.js': cli, ...chunks } }
        : { 'cli.js': { 'cli.js': cli }, 'user.js': { ...chunks }, 'addon.js': { 'addon.js': chunks['addon.js'] } },
    );
    const expected = ['loads', 'no folder will do', 'no folder will do'];
    assert.deepEqual(
      told.filter((one) => !String(one).startsWith('reads')),
      expected,
    );
  });
}

test('executable chunks: the chunks of one pack are read once, and each is run when it is first imported', async () => {
  const told = await toldBy({
    'cli.js': {
      'cli.js': `const tell = require('node:tell'); tell('cli'); import('./late.js').then(() => import('./near.js'));`,
      'near.js': `const tell = require('node:tell'); tell('near'); export const near = 1;`,
      'never.js': `const tell = require('node:tell'); tell('never');`,
    },
    'late.js': {
      'late.js': `const tell = require('node:tell'); import { near } from './near.js'; tell(\`late \${near}\`);`,
    },
  });
  assert.deepEqual(told, ['reads cli.js', 'cli', 'reads late.js', 'near', 'late 1']);
});

test('executable chunks: a chunk inside a further pack is found there, whichever of its chunks is imported first', async () => {
  const told = await toldBy({
    'cli.js': { 'cli.js': `import('./inside.js').then(() => import('./further.js'));` },
    'further.js': {
      'further.js': `const tell = require('node:tell'); import { inside } from './inside.js'; tell(\`further \${inside}\`);`,
      'inside.js': `const tell = require('node:tell'); tell('inside'); export const inside = 1;`,
    },
  });
  assert.deepEqual(told, ['reads cli.js', 'reads further.js', 'inside', 'further 1']);
});

test('executable chunks: a pack that is not ASCII is refused, with the place', async () => {
  const texts = new Map([
    ['a.js', 'export const x = /a/;'],
    ['b.js', 'export const y = /[“”]/;'],
  ]);
  await assert.rejects(packOf(['a.js', 'b.js'], texts, TARGET), /pack of a\.js is not ASCII at .*y.?=.*\\u escapes/);
});
