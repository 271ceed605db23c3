/** The agent in another network namespace that has the host's /etc: it changes nothing, and says where to run it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();

test('other network: in another network namespace no command changes the host or its records', { skip }, async () => {
  await using host = await LabHost.create();
  const yaml = 'dns: { nameservers: [10.77.0.21] }\nsysctl: { net.ipv4.ip_forward: 1 }\n';
  await host.write('/etc/holdfast/agent.yaml', yaml);
  await host.write('/etc/resolv.conf', 'nameserver 10.77.0.11\n');
  await host.write('/etc/netns/mgmt/resolv.conf', 'nameserver 10.77.0.66\n');
  assert.equal((await host.agent('apply')).code, 0);
  await host.sh('ip netns add mgmt');
  const held =
    'cat /etc/resolv.conf /proc/sys/net/ipv4/ip_forward /etc/netns/mgmt/resolv.conf; cat /var/lib/holdfast/originals/*';
  const before = await host.sh(held);
  const refused = async (there: string[], command: string) => {
    const { code, stderr } = await host.run([...there, 'agent', command]);
    assert.equal(code, 4, `${there.join(' ')} ${command}`);
    assert.match(stderr, /another network namespace.*nsenter -t 1 -n -m agent/, command);
    assert.equal(await host.sh(held), before, `${there.join(' ')} ${command}`);
  };
  const mgmt = ['ip', 'netns', 'exec', 'mgmt'];
  for (const command of ['apply', 'plan', 'status', 'doctor', 'revert', 'init', 'run']) await refused(mgmt, command);
  for (const there of [
    ['nsenter', '--net=/run/netns/mgmt'],
    ['unshare', '--net'],
  ])
    await refused(there, 'apply');
  assert.match((await host.run([...mgmt, 'agent', 'probe'])).stdout, /route/);
  const back = await host.run([...mgmt, 'nsenter', '-t', '1', '-n', '-m', 'agent', 'revert']);
  assert.equal(back.code, 0, back.stdout + back.stderr);
  assert.equal(await host.read('/etc/resolv.conf'), 'nameserver 10.77.0.11\n');
  assert.equal((await host.read('/proc/sys/net/ipv4/ip_forward')).trim(), '0');
});
