/** A file that another program writes at the moment when we write it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyFile } from '../../../../agent/hold/files/apply-file.ts';
import type { Finding } from '../../../../agent/hold/resource.ts';
import { Host } from '../../../../agent/host/host.ts';
import { scratch } from '../../../parts/scratch.ts';

const FILE = '/etc/resolv.conf';

/** Another program writes right after each of the first `tramples` replacements. */
class Trampled extends Host {
  tramples = 0;
  override replace(...args: Parameters<Host['replace']>): ReturnType<Host['replace']> {
    const done = super.replace(...args);
    if (args[0] === FILE && this.tramples > 0) {
      this.tramples -= 1;
      writeFileSync(join(this.root, FILE), 'nameserver 192.0.2.1\n');
    }
    return done;
  }
}

const finding: Finding = {
  resource: 'resolver',
  key: FILE,
  kind: 'file',
  moment: 'now',
  state: 'drifted',
  wanted: 'nameserver 10.34.56.78\n',
  actual: null,
  settings: async () => [],
};

test('apply file: who writes between ours and the reading back is overwritten', async (t) => {
  const host = new Trampled({ root: scratch(t) });
  host.tramples = 2;
  assert.equal((await applyFile(host, finding)).result, 'changed');
  assert.equal(readFileSync(join(host.root, FILE), 'utf8'), finding.wanted);
});

test('apply file: who does so every time is told as a failure, and not fought for ever', async (t) => {
  const host = new Trampled({ root: scratch(t) });
  host.tramples = 1000;
  const outcome = await applyFile(host, finding);
  assert.equal(outcome.result, 'failed');
  assert.match(outcome.reason ?? '', /read back/);
  assert.equal(outcome.actual, 'nameserver 192.0.2.1\n');
});
