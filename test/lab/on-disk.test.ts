/** `agent run` and the files that the operator edits: what has changed and is not in force is said, and taken where it may be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const CONFIGURATION = '/etc/holdfast/agent.yaml';

test('on disk: a change is reported until it is in force, a bad one is refused, and `reload: auto` takes it', {
  skip: unavailable(),
}, async () => {
  const host = await LabHost.create();
  try {
    await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: 1 }\n');
    const agent = await RunningAgent.start(host);
    await agent.event('holdfast.inventory');
    await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: 0 }\n');
    assert.equal((await agent.event('holdfast.condition.raised')).code, 'config-not-in-force');
    assert.match((await host.agent('status')).stdout, /The daemon \(process \d+\) does not hold the configuration/);
    await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: [] }\n');
    assert.equal((await agent.event('holdfast.condition.raised')).code, 'config-refused');
    assert.equal((await host.sh('sysctl -n net.ipv4.ip_forward')).trim(), '1');
    await host.write(CONFIGURATION, 'reload: auto\nsysctl: { net.ipv4.ip_forward: 1 }\n');
    await agent.event('holdfast.condition.raised');
    await agent.signal('HUP');
    await agent.event('holdfast.config.changed');
    await host.write(CONFIGURATION, 'reload: auto\nsysctl: { net.ipv4.ip_forward: 0 }\n');
    await agent.event('holdfast.config.changed');
    assert.equal((await host.sh('sysctl -n net.ipv4.ip_forward')).trim(), '0');
    assert.doesNotMatch((await host.agent('status')).stdout, /does not hold the configuration/);
    assert.equal(await agent.stop(), 0);
  } finally {
    await host.close();
  }
});
