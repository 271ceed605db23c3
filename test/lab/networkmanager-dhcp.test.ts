/** `dhcp:` with NetworkManager: what is held at a lease and at its restart without a packet lost, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestedOptions } from '../../agent/clients/networkmanager/options.ts';
import { findOption } from '../../agent/config/notation/dhcp-options.ts';
import { startDhcpServer } from '../parts/lab/dhcp.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { Manager, managedHost, noNetworkManager, offersOf, PROFILE, renewals } from '../parts/lab/networkmanager.ts';
import { AGENT_YAML, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const skip = noNetworkManager;
const MTU = '/sys/class/net/eth0/mtu';
const CONF = '/etc/NetworkManager/conf.d/90-holdfast-dhcp.conf';

/** Seconds. After half of them the server is asked: a server that changes has the other half to start. */
const LEASE = 8;

const offer = (mtu: number) => `${offersOf('old.example.com')} option interface-mtu ${mtu};`;
const mtuOf = async (host: LabHost) => Number(await host.sh(`cat ${MTU}`));

async function apply(host: LabHost, yaml: string): Promise<string> {
  await host.write('/etc/holdfast/agent.yaml', yaml);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
  return stdout + stderr;
}

type State = { state: string; reason?: string };
async function statesOf(host: LabHost, name: string): Promise<Record<string, State>> {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  return settings.find(({ setting }: { setting: string }) => setting === name)?.moments;
}

test('NetworkManager, MTU: without Holdfast the next activation takes the MTU of the server', { skip }, async () => {
  await using scene = await managedHost({ lease: 4, offers: offer(1450) });
  const { host } = scene;
  assert.equal(await mtuOf(host), 1450);
  await host.sh('ip link set eth0 mtu 1400; nmcli connection up eth0');
  assert.equal(await mtuOf(host), 1450);
});

test('NetworkManager, MTU: held through 25 renewals, another offer, a restart; given back', { skip }, async (t) => {
  await using scene = await managedHost({ lease: LEASE, offers: offer(1450) });
  const { host, manager } = scene;
  let { server } = scene;
  const deletions = await watchDeletions(host);
  const pings = await watchPings(host, '10.77.0.1', 'host');
  await apply(host, 'dhcp: { supersede: { interface-mtu: 1400 } }\n');
  assert.deepEqual(await statesOf(host, 'dhcp.supersede.interface-mtu').then(summary), { lease: 'ok', boot: 'ok' });
  await host.sh(`timeout 30 sh -c 'until [ "$(cat ${MTU})" = 1400 ]; do sleep 0.1; done'`);
  const watch = await watchFile(host, MTU);
  await renewals(server, 20);
  await server.stop();
  server = await startDhcpServer(host, { lease: LEASE, offers: offer(1440) });
  await renewals(server, 5);
  const { wrongMs, emptyMs, changes } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, changes }, { wrongMs: 0, emptyMs: 0, changes: 0 });
  const { answered, lost } = await pings.stop();
  t.diagnostic(`${answered} pings answered`);
  assert.deepEqual([lost, await deletions.stop()], [0, []]);
  assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0, 'a second apply changes nothing');

  await manager.kill();
  await host.sh('ip link set eth0 mtu 1500');
  await Manager.start(host);
  assert.equal(await mtuOf(host), 1400);
  assert.equal((await host.agent('revert')).code, 0);
  assert.ok(!host.exists(CONF));
  await host.sh('nmcli connection up eth0');
  assert.equal(await mtuOf(host), 1440);
});

test('NetworkManager, MTU: a value in the profile wins, and status names its line', { skip }, async () => {
  await using scene = await managedHost({ lease: 4, offers: offer(1450) });
  const { host } = scene;
  await host.sh(`printf '[ethernet]\\nmtu=1480\\n' >>${PROFILE}; nmcli connection load ${PROFILE}`);
  await apply(host, 'dhcp: { interfaces: { eth0: { supersede: { interface-mtu: 1400 } } } }\n');
  const { lease, boot } = await statesOf(host, 'dhcp.interfaces.eth0.supersede.interface-mtu');
  assert.deepEqual([lease?.state, boot?.state], ['unknown', 'unknown']);
  assert.match(lease?.reason ?? '', /eth0\.nmconnection:\d+ sets mtu=1480, which wins/);
  await host.sh('nmcli connection up eth0');
  assert.equal(await mtuOf(host), 1480, 'as status said');
});

test('NetworkManager: what it cannot hold is refused with what to write, and its own requests count', {
  skip,
}, async () => {
  await using scene = await managedHost({ lease: 4, offers: offer(1450) });
  const { host } = scene;
  const said = await apply(
    host,
    'dhcp: { supersede: { ntp-servers: [10.77.0.9] }, request: { without: [routers, log-servers], also: [interface-mtu] } }\n',
  );
  assert.match(said, /no setting for ntp-servers: its dispatcher scripts get what the server offered/);
  assert.match(said, /NetworkManager always asks for routers/);
  for (const refused of ['dhcp.supersede.ntp-servers', 'dhcp.request.without'])
    assert.deepEqual(await statesOf(host, refused).then(summary), { lease: 'unknown', boot: 'unknown' });
  assert.deepEqual(await statesOf(host, 'dhcp.request.also').then(summary), { lease: 'ok', boot: 'ok' });
  assert.ok(!host.exists(CONF));
});

test('NetworkManager asks for the options of our list, and for no others', { skip }, async () => {
  const log = 'log(info, concat("asks ", binary-to-ascii(10, 8, ",", option dhcp-parameter-request-list)));';
  await using scene = await managedHost({ lease: 4, offers: `${offer(1450)} ${log}` });
  const asked = /^asks (.*)/.exec(await scene.server.log.until(/^asks /))![1]!;
  const codes = requestedOptions().flatMap((name) => (name.startsWith('dhcp6.') ? [] : [findOption(name)!.code]));
  assert.deepEqual(asked.split(',').map(Number).toSorted(numerically), codes.toSorted(numerically));
});

test('NetworkManager: status forecasts the next lease, and the host has that with Holdfast and without', {
  skip,
}, async () => {
  await using scene = await managedHost({ lease: 4, offers: offer(1450) });
  const { host, server } = scene;
  await apply(host, AGENT_YAML);
  const { forecasts } = JSON.parse((await host.agent('status', '--json')).stdout);
  const [{ program, interface: name, without, with: then, stale }] = forecasts;
  assert.deepEqual([forecasts.length, program, name, stale], [1, 'NetworkManager', 'eth0', null]);
  const resolvConf = async () => nameservers(await host.read('/etc/resolv.conf'));
  await renewals(server, 2);
  assert.deepEqual([then.nameservers, await resolvConf()], [NEW, NEW]);
  assert.equal((await host.agent('revert')).code, 0);
  await host.sh(`timeout 30 sh -c 'until grep -q ${OLD[0]} /etc/resolv.conf; do sleep 0.1; done'`);
  assert.deepEqual([without.nameservers, await resolvConf()], [OLD, OLD]);
  await host.sh("printf '[main]\\n' >/etc/NetworkManager/conf.d/10-site.conf");
  const later = JSON.parse((await host.agent('status', '--json')).stdout).forecasts[0];
  assert.match(later.stale, /10-site\.conf \(read by: nmcli general reload\)/);
});

const numerically = (a: number, b: number) => a - b;

function summary(moments: Record<string, State>): Record<string, string> {
  return Object.fromEntries(Object.entries(moments).map(([moment, { state }]) => [moment, state]));
}
