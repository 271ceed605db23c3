/** The watcher reports every change of a file, also while its folder comes and goes. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles } from '../../../../agent/daemon/files/watcher.ts';
import { scratch } from '../../../parts/scratch.ts';

function watching(t: TestContext, ...names: string[]) {
  const folder = scratch(t);
  const changed: string[] = [];
  const watcher = watchFiles(
    names.map((name) => join(folder, name)),
    (path) => changed.push(path),
    (error) => assert.fail(String(error)),
  );
  t.after(() => watcher.close());
  return {
    folder,
    /** Does it, and waits until that path was told. */
    async told(name: string, deed: () => void) {
      changed.length = 0;
      deed();
      for (let n = 0; !changed.includes(join(folder, name)); n += 1) {
        assert.ok(n < 3000, `${name} was not told, only ${changed.join()}`);
        await sleep(10);
      }
    },
  };
}

test('watcher: every kind of change of a file is reported', async (t) => {
  const { folder, told } = watching(t, 'resolv.conf');
  const file = join(folder, 'resolv.conf');
  await told('resolv.conf', () => writeFileSync(file, '1'));
  for (let n = 0; n < 20; n += 1) {
    await told('resolv.conf', () => {
      writeFileSync(join(folder, 'new'), String(n));
      renameSync(join(folder, 'new'), file);
    });
    await told('resolv.conf', () => writeFileSync(file, `again ${n}`));
  }
  await told('resolv.conf', () => rmSync(file));
  await told('resolv.conf', () => writeFileSync(file, '1'));
});

test('watcher: changes are reported although the folder goes and returns at once', async (t) => {
  const { folder, told } = watching(t, 'dhcp/hooks.d/hook');
  const hooks = join(folder, 'dhcp/hooks.d');
  await told('dhcp', () => mkdirSync(hooks, { recursive: true }));
  for (let n = 0; n < 5; n += 1) {
    await told('dhcp/hooks.d', () => {
      rmSync(join(folder, n % 2 ? 'dhcp' : 'dhcp/hooks.d'), { recursive: true });
      mkdirSync(hooks, { recursive: true });
    });
    await told('dhcp/hooks.d/hook', () => writeFileSync(join(hooks, 'hook'), '1'));
  }
});
