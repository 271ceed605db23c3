/** The arm64 executable, on this machine by emulation: that it starts, and does its work on a host. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../../agent/commands/context/version.ts';
import { EXECUTABLES } from '../../packaging/build.ts';
import { runNode } from '../../packaging/node-binary.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';

const executable = join(REPOSITORY, EXECUTABLES.arm64);

/** Why it cannot be run, or false. */
function unrunnable(): string | false {
  if (!existsSync(executable)) return `needs ${executable}, which npm run build makes`;
  return runNode('arm64') === null ? 'needs qemu-user-static and libc6-arm64-cross' : unavailable();
}

test('for arm64 it says its version, plans, applies, and finds nothing to do then', {
  skip: unrunnable(),
}, async () => {
  await using host = await LabHost.create();
  const emulator = runNode('arm64')!.slice(0, -1);
  const agent = (...args: string[]) => host.run([...emulator, executable, ...args]);
  assert.equal((await agent('--version')).stdout, (await host.agent('--version')).stdout);
  assert.match((await agent('--version')).stdout, new RegExp(VERSION.replaceAll('.', '\\.')));
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.1\n');
  await host.write('/etc/holdfast/agent.yaml', 'dns: { nameservers: [192.0.2.53] }\n');
  const planned = await agent('plan');
  assert.match(planned.stdout, /^\+nameserver 192\.0\.2\.53$/m, planned.stderr);
  const applied = await agent('apply', '--detailed-exitcodes');
  assert.equal(applied.code, 2, `${applied.stdout}${applied.stderr}`);
  assert.equal(await host.read('/etc/resolv.conf'), 'nameserver 192.0.2.53\n');
  assert.equal((await agent('apply', '--detailed-exitcodes')).code, 0);
});
