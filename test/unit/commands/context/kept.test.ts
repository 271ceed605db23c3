/** What is kept for the next command, and for the next boot, is believed only as it was written. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Kept } from '../../../../agent/commands/context/saved-work.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root, whose files alone are believed';
const TEXTS = { configuration: '{"a":"\\u00ff"}', files: '{"b":"\xff"}' } as const;

async function written(t: TestContext) {
  const host = new Host({ root: scratch(t) });
  await new Kept(host).write(TEXTS);
  const at = (path: string) => join(host.root, path);
  return { host, at, reboot: () => rmSync(at('run'), { recursive: true }) };
}

test('saved work: it outlives a boot, and is in /run again from the first command on', { skip }, async (t) => {
  const { host, at, reboot } = await written(t);
  assert.equal(statSync(at('var/lib/holdfast/files')).mode & 0o777, 0o600);
  reboot();
  const kept = new Kept(host);
  for (const name of ['configuration', 'files'] as const) assert.equal(await kept.read(name), TEXTS[name]);
  const { ino } = statSync(at('var/lib/holdfast/files'));
  await kept.write({ configuration: null, files: null });
  assert.equal(readFileSync(at('run/holdfast/files'), 'latin1'), TEXTS.files);
  assert.equal(statSync(at('var/lib/holdfast/files')).ino, ino, 'the disk has it already');
});

test('saved work: what /run has is read first, and needs no disk', { skip }, async (t) => {
  const { host, at } = await written(t);
  rmSync(at('var'), { recursive: true });
  assert.equal(await new Kept(host).read('files'), TEXTS.files);
});

const DOUBTS: Record<string, (file: string, folder: string) => void> = {
  'another byte': (file) => writeFileSync(file, readFileSync(file, 'latin1').replace('"b"', '"c"'), 'latin1'),
  'cut short': (file) => writeFileSync(file, readFileSync(file, 'latin1').slice(0, -2), 'latin1'),
  empty: (file) => writeFileSync(file, ''),
  'zeros, as after a power cut': (file) => writeFileSync(file, Buffer.alloc(20)),
  "somebody else's": (file) => chownSync(file, 12, 0),
  'a file that others may write': (file) => chmodSync(file, 0o620),
  'a folder that others may write': (_, folder) => chmodSync(folder, 0o775),
};

for (const [doubt, make] of Object.entries(DOUBTS)) {
  test(`saved work: it is not believed with this doubt: ${doubt}`, { skip }, async (t) => {
    const { host, at, reboot } = await written(t);
    reboot();
    assert.equal(await new Kept(host).read('files'), TEXTS.files);
    make(at('var/lib/holdfast/files'), at('var/lib/holdfast'));
    assert.equal(await new Kept(host).read('files'), null);
  });
}

test('saved work: no room on the disk is no failure', { skip }, async (t) => {
  const host = new Host({ root: scratch(t, { 'var/lib/holdfast': 'a file in the place of the folder' }) });
  await new Kept(host).write(TEXTS);
  assert.equal(await new Kept(host).read('files'), TEXTS.files);
  assert.equal(existsSync(join(host.root, 'var/lib/holdfast/files')), false);
});
