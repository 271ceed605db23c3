/** dist/agent talks to the kernel by the native code that it carries, and leaves no file of it behind. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML } from '../parts/lab/scene.ts';
import { REPOSITORY } from '../parts/repository.ts';

const AGENT = join(REPOSITORY, 'dist/agent');
const skip = unavailable() || (existsSync(AGENT) ? false : 'dist/agent is not there: npm run build makes it');

test('executable: dist/agent counts routes and tries one', { skip }, async (t) => {
  await using host = await LabHost.create();
  await copyFile(AGENT, host.path('/root/agent'));
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  const probe = async () => {
    const { code, stdout, stderr } = await host.run(['/root/agent', 'probe', 'routes-by-protocol', 'canary', '--json']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /holdfast\.canary\.success/);
    assert.match(stdout, /system\.network\.route\.table\.count/);
  };

  await t.test('with nothing left in /tmp', async () => {
    const before = await host.sh('ls -A /tmp');
    await probe();
    assert.equal(await host.sh('ls -A /tmp'), before);
  });

  await t.test('where code may run from no folder for temporary files', async () => {
    await host.sh('for f in /tmp /dev/shm /var/tmp /run; do mount -t tmpfs -o noexec none $f; done');
    await probe();
  });
});
