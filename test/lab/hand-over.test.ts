/** `agent apply` and `agent revert` beside a daemon: the daemon never puts back what the operator has just changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const CONFIGURATION = '/etc/holdfast/agent.yaml';
const skip = unavailable();
const forwarding = async (host: LabHost) => (await host.sh('sysctl -n net.ipv4.ip_forward')).trim();
const resolvConf = (server: string) => `dns: { nameservers: [${server}] }\nsysctl: { net.ipv4.ip_forward: 1 }\n`;

test('hand-over: an apply has the daemon take the edited configuration, and nothing is put back', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.write(CONFIGURATION, resolvConf('10.0.0.1'));
  const agent = await RunningAgent.start(host);
  await host.write(CONFIGURATION, resolvConf('10.0.0.2'));
  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0);
  assert.match(stdout, /^Told the daemon \(process \d+\) to take this configuration\.$/m);
  await agent.event('holdfast.config.changed');
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.9\n');
  await agent.event('holdfast.heal');
  assert.match(await host.read('/etc/resolv.conf'), /^nameserver 10\.0\.0\.2$/m);
  assert.equal(agent.count('holdfast.heal'), 1, 'the only heal is that of the later drift');
  assert.equal(agent.count('holdfast.drift'), 0);
  assert.doesNotMatch((await host.agent('apply')).stdout, /Told/, 'the daemon holds it already');
  assert.equal(await agent.stop(), 0);
});

test('hand-over: an apply of a part leaves the daemon with the earlier configuration, and says so', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: 1 }\n');
  const agent = await RunningAgent.start(host);
  await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: 0 }\n');
  const { stdout } = await host.agent('apply', '--only', 'hooks');
  assert.match(stdout, /The daemon \(process \d+\) does not hold .* Until then it puts back what this apply changed\./);
  const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', 'agent', 'status'];
  assert.match((await host.run(asNobody)).stdout, /does not hold the configuration/, 'status: for any user');
  await host.write('/root/other.yaml', 'sysctl: { net.ipv4.ip_forward: 1 }\n# another file\n');
  assert.doesNotMatch((await host.agent('apply', '--config', '/root/other.yaml')).stdout, /daemon/);
  assert.equal(agent.count('holdfast.config.changed'), 0);
  assert.equal(await agent.stop(), 0);
});

test('hand-over: a reload of a bad configuration goes on healing by the old one', { skip }, async () => {
  await using host = await LabHost.create();
  await host.write(CONFIGURATION, resolvConf('10.0.0.1'));
  const agent = await RunningAgent.start(host);
  await host.write(CONFIGURATION, resolvConf('10.0.0.1111'));
  await agent.signal('HUP');
  await agent.event('holdfast.config.refused');
  const status = await host.agent('status');
  assert.equal(status.code, 1);
  assert.match(status.stderr, /10\.0\.0\.1111[^\n]*\n.*the daemon \(process \d+\) goes on with the configuration/);
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.9\n');
  await agent.event('holdfast.heal');
  assert.match(await host.read('/etc/resolv.conf'), /^nameserver 10\.0\.0\.1$/m);
  assert.equal(await agent.stop(), 0);
});

test('revert: is refused beside a daemon, which would put everything back', { skip }, async () => {
  await using host = await LabHost.create();
  await host.write(CONFIGURATION, 'sysctl: { net.ipv4.ip_forward: 1 }\n');
  const agent = await RunningAgent.start(host);
  const { code, stderr } = await host.agent('revert');
  assert.equal(code, 4);
  assert.match(stderr, /the daemon \(process \d+\) would put everything back .* systemctl stop holdfast$/m);
  assert.equal(await forwarding(host), '1');
  assert.equal(await agent.stop('KILL').catch(() => null), null);
  assert.equal((await host.agent('revert')).code, 0, 'a killed daemon is none');
  assert.equal(await forwarding(host), '0');
});
