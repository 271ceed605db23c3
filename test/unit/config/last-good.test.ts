/** What the daemon starts with if its configuration is bad: the last valid one, out of its compiled form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiledText } from '../../../agent/config/compiled.ts';
import { lastGoodFiles } from '../../../agent/config/last-good.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { MAIN, memoryFiles } from '../../parts/config-memory.ts';

const FILES = {
  [MAIN]: '# caf\xe9\ndns: { domain: a.example }\n',
  '/etc/holdfast/agent.d/20.yaml': 'dns: { nameservers: [10.0.0.2] }\n',
  '/etc/holdfast/agent.d/10.yaml': 'sysctl: { net.ipv4.ip_forward: 1 }\n',
};

/** Their compiled form, by a build of that name. */
async function compiled(files: Record<string, string>, build = 'b1'): Promise<string> {
  const loaded = await loadConfig({ files: memoryFiles(files), asRoot: true, compiled: { build, text: null } });
  assert.ok(loaded.ok && loaded.compiled !== null, JSON.stringify(loaded));
  return loaded.compiled;
}

test('last good: main file and drop-ins mean the same again, for another build, too', async () => {
  const text = await compiled(FILES);
  const files = lastGoodFiles(text, MAIN);
  assert.ok(files);
  for (const build of ['b1', 'b2']) {
    const again = await loadConfig({ files, asRoot: true, compiled: { build, text } });
    const first = await loadConfig({ files: memoryFiles(FILES), asRoot: true });
    assert.ok(again.ok && first.ok);
    assert.deepEqual([again.desired, again.hash, again.files], [first.desired, first.hash, first.files]);
  }
});

test('last good: nothing where nothing is kept, where it is damaged, or where another file is meant', async () => {
  const text = await compiled(FILES);
  for (const kept of [null, '', '{', 'null', '[]', '{"sources":[]}', compiledText('b', [], {} as never)])
    assert.equal(lastGoodFiles(kept, MAIN), null, `${kept}`);
  assert.equal(lastGoodFiles(text, '/srv/agent.yaml'), null);
  assert.equal(lastGoodFiles(text.slice(0, -1), MAIN), null);
});
