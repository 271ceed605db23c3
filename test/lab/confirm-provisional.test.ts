/** A change that nobody could prove is provisional: status, heartbeats and the collector tell it, until it is proved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostsAnswer } from '../../agent/collector/api.ts';
import { COLLECTOR, ConfirmScene } from '../parts/lab/confirm-scene.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { Dhclient } from '../parts/lab/dhcp.ts';
import { unavailable } from '../parts/lab/host.ts';
import { staleHost } from '../parts/lab/scene.ts';

const skip = unavailable({ nft: 'nftables', curl: 'curl', openssl: 'openssl' });
const RECORD = '/var/lib/holdfast/provisional';

const configuration = (endpoint: string, value: number) => `
report: { endpoint: "${endpoint}", ca: /etc/holdfast/ca.pem, token-file: /etc/holdfast/token, interval: 1s }
confirm: { within: 10s }
sysctl: { net.ipv4.conf.eth1.accept_redirects: ${value} }
`;

test('provisional: a change without its collector stays, is told, and is proved when the collector answers', {
  skip,
}, async () => {
  await using scene = await ConfirmScene.make(['ipv4']);
  scene.certify();
  const { host } = scene;
  const url = `https://${COLLECTOR.ipv4}:4318`;
  await host.sh('echo 1 >/proc/sys/net/ipv4/conf/eth1/accept_redirects');
  await host.write('/etc/holdfast/agent.yaml', configuration(url, 0));
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /stays for now: the collector did not answer before the change .*ECONNREFUSED/);
  const { id } = JSON.parse(await host.read(RECORD)) as { id: string };
  assert.match((await host.agent('status')).stdout, new RegExp(`Change ${id} is provisional: the collector did not`));

  const agent = await RunningAgent.start(host);
  await scene.collector();
  const { msg } = await agent.event('holdfast.change.confirmed');
  assert.match(msg, new RegExp(`^change ${id} confirmed: .*collector ${url}`));
  assert.match((await host.agent('status')).stdout, new RegExp(`Change ${id} holds now; not yet booted with\\.`));
  await host.sh(`sed -i 's/"boot":"[^"]*"/"boot":"another"/; s/"init":"[^"]*"/"init":"another"/' ${RECORD}`);
  const boot = await agent.event('holdfast.change.confirmed');
  assert.match(boot.msg, /confirmed: after a boot: as before the change, these answer: /);
  assert.equal(host.exists(RECORD), false);
  assert.equal(await agent.stop(), 0);
});

test('provisional: the collector counts the host, and agent confirm ends it', { skip }, async () => {
  await using scene = await ConfirmScene.make(['ipv4']);
  scene.certify();
  const { host } = scene;
  const url = `https://${COLLECTOR.ipv4}:4318`;
  await scene.collector();
  await host.sh('echo 1 >/proc/sys/net/ipv4/conf/eth1/accept_redirects');
  // The token of this host is none that the collector knows when the change is made.
  await host.write('/etc/holdfast/other', 'other-token\n', 0o600);
  await host.write('/etc/holdfast/agent.yaml', configuration(url, 0).replace('/token,', '/other,'));
  const { stdout } = await host.agent('apply');
  assert.match(stdout, /stays for now: .*the seal is by no token that the collector knows/);
  const { id } = JSON.parse(await host.read(RECORD)) as { id: string };

  await host.write('/etc/holdfast/agent.yaml', configuration(url, 0).replace('confirm: { within: 10s }\n', ''));
  const agent = await RunningAgent.start(host);
  const ask = `curl -s --cacert /etc/holdfast/ca.pem -H 'Authorization: Bearer lab-token' '${url}/api/v1/hosts?change=${id}'`;
  const counted = async (total: number) => {
    for (;;) {
      const answer = JSON.parse(await host.sh(ask)) as HostsAnswer;
      if (answer.total === total) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  await counted(1);
  assert.match((await host.agent('confirm')).stdout, new RegExp(`Change ${id} is confirmed`));
  await counted(0);
  assert.equal(await agent.stop(), 0);
});

test('provisional: a renewal of the running dhclient is seen, and a clean rehearsal stands for it', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  const trying = (value: number) =>
    host.write(
      '/etc/holdfast/agent.yaml',
      `report: { interval: 1s }
confirm: { by: local, within: 10s }
sysctl: { net.ipv4.conf.eth0.accept_redirects: ${value} }
`,
    );
  const applied = async (value: number) => {
    await trying(value);
    const { stdout } = await host.agent('apply');
    assert.match(stdout, /confirmed: as before the change, these answer: gateway/);
  };
  const unseen = async () => (JSON.parse(await host.read(RECORD)) as { unseen: string[] }).unseen;
  await applied(0);
  assert.match((await host.agent('status')).stdout, /holds now; not yet seen at a lease event; not yet booted with\./);
  const agent = await RunningAgent.start(host);
  await client.leased();
  const { msg } = await agent.event('holdfast.change.confirmed');
  assert.match(msg, /confirmed: after a lease event: as before the change, these answer: gateway/);
  assert.deepEqual(await unseen(), ['boot']);
  assert.equal(await agent.stop(), 0);

  await applied(1);
  assert.deepEqual(await unseen(), ['lease', 'boot']);
  const { code, stdout } = await host.agent('rehearse', 'lease');
  assert.equal(code, 0, stdout);
  assert.deepEqual(await unseen(), ['boot']);
});

test('provisional: a change whose route leads every witness astray after a lease event is put back', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost({});
  const { host, client } = scene;
  const far = '10.61.0.5';
  const listener = `require('node:net').createServer((socket) => socket.end()).listen(7022, () => console.log('ready'))`;
  await host.sh(`ip addr add ${far}/32 dev lo; ip addr add 10.77.0.2/24 dev srv0`, { where: 'server' });
  const listening = host.spawn([process.execPath, '-e', listener], { where: 'server' });
  await new Promise((resolve) => listening.stdout!.once('data', resolve));
  await host.write('/etc/holdfast/token', 'lab-token\n', 0o600);
  const ways = () => host.sh(`ip route show default; ip route get ${far} | head -1`);
  const before = await ways();
  // No collector listens, and the others answer.
  await host.write(
    '/etc/holdfast/agent.yaml',
    `report: { endpoint: "https://${far}:4318", token-file: /etc/holdfast/token, interval: 1s }
confirm: { within: 10s, also: [{ tcp: "${far}:7022" }] }
routes: [{ to: 0.0.0.0/0, via: 10.77.0.2, takeOver: true }]
`,
  );
  assert.match((await host.agent('apply')).stdout, /stays for now: the collector did not answer before the change/);
  assert.match(await ways(), /^default via 10\.77\.0\.2 /);
  const agent = await RunningAgent.start(host);
  await host.sh('ip addr del 10.77.0.2/24 dev srv0', { where: 'server' });
  await host.sh('ip neigh flush dev eth0');
  await client.kill();
  await Dhclient.start(host).leased();
  const { msg } = await agent.event('holdfast.change.put_back');
  assert.match(msg, /put back: after a lease event gateway \(IPv4\) is lost .*; tcp 10\.61\.0\.5:7022 is lost /);
  assert.equal(await ways(), before);
  assert.equal(host.exists(RECORD), false);
  assert.equal(await agent.stop(), 0);
});
