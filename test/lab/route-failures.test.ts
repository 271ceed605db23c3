/** Where the kernel does not tell of refused routes that is said, with the reason, and nothing is counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const TRACEFS = '/sys/kernel/tracing';

async function probed(host: LabHost): Promise<{ metric: string; value: number; reason: string | undefined }[]> {
  const { code, stdout } = await host.agent('probe', 'route-failures', '--json');
  assert.equal(code, 0, 'not to have it is no failure');
  const [{ samples }] = JSON.parse(stdout).probes;
  return samples.map(
    ({ metric, value, attributes }: { metric: string; value: number; attributes: { reason?: string } }) => {
      return { metric, value, reason: attributes.reason };
    },
  );
}

async function diagnosed(host: LabHost): Promise<string> {
  const { stdout } = await host.agent('doctor', '--json');
  return JSON.parse(stdout).findings.find(({ code }: { code: string }) => code === 'HF-ROUTE-FAILURES').seen;
}

function unseen(reason: string) {
  return Array.from({ length: 3 }, () => ({ metric: 'holdfast.route_failures.available', value: 0, reason }));
}

test('route failures: without tracefs, with one that is not ours to write, and without kprobes', {
  skip,
}, async (t) => {
  await using host = await LabHost.create({ interfaces: 0 });
  await host.write('/etc/holdfast/agent.yaml', '{}\n');
  assert.deepEqual(await probed(host), unseen('tracefs is not mounted here'));
  assert.match(
    await diagnosed(host),
    /cannot name the process whose route the kernel refused: tracefs is not mounted here\. .*only by the canary/,
  );

  if ((await host.run(['mount', '-t', 'tracefs', 'tracefs', TRACEFS])).code !== 0)
    return t.skip('this kernel has no tracefs');
  await host.sh(`mount -o remount,bind,ro ${TRACEFS}`);
  assert.deepEqual(await probed(host), unseen('tracefs is read-only here'));

  await host.sh(`mount -o remount,bind,rw ${TRACEFS}`);
  if (host.exists(`${TRACEFS}/kprobe_events`)) {
    assert.match(await diagnosed(host), /names the process, by kprobes$/);
    return;
  }
  assert.deepEqual(await probed(host), unseen('this kernel has no kprobes'));
  assert.match(await diagnosed(host), /: this kernel has no kprobes\./);
});
