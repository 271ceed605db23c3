/** Who acts on router advertisements beside the kernel: the settings that a real dhcpcd writes, and who is named for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sysctlsOfInterface } from '../../agent/clients/dhcpcd/sysctls.ts';
import { startAdvertiser } from '../parts/lab/advertiser.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { connect, startDhcpServer } from '../parts/lab/dhcp.ts';
import { Dhcpcd, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { foretell } from '../parts/lab/foretell.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { staleHost } from '../parts/lab/scene.ts';

/** The values of every setting of eth0 by path, below /proc/sys; without those that cannot be read yet. */
async function settings(host: LabHost): Promise<Map<string, string>> {
  const lines = await host.sh('cd /proc/sys; grep -H "" net/ipv[46]/conf/eth0/* 2>/dev/null || true');
  return new Map(lines.split('\n').map((line) => line.split(':', 2) as [string, string]));
}

test('router advertisements: the settings that dhcpcd writes, by its dhcpcd.conf', { skip: noDhcpcd }, async (t) => {
  for (const conf of ['', 'noipv6rs', 'ipv4only', 'noipv6rs\ninterface eth0\nipv6rs', 'interface eth1\nnoipv6']) {
    await t.test(JSON.stringify(conf), async () => {
      await using host = await LabHost.create();
      await connect(host);
      await startDhcpServer(host);
      await host.write('/etc/dhcpcd.conf', `${conf}\nnodelay\nnoarp\n`);
      const before = await settings(host);
      const client = Dhcpcd.start(host);
      await client.log.until(/executing: .*dhcpcd-run-hooks BOUND/);
      const changed = [...(await settings(host))].filter(([path, value]) => before.get(path) !== value);
      const expected = sysctlsOfInterface(conf, 'eth0').map(({ path, value }) => [path, value]);
      assert.deepEqual(changed.sort(), expected.sort());
    });
  }
});

test('router advertisements: doctor and status name dhcpcd for an accept_ra that it sets', {
  skip: noDhcpcd,
}, async () => {
  await using host = await LabHost.create();
  await connect(host);
  await startDhcpServer(host);
  await host.write('/etc/dhcpcd.conf', 'nodelay\nnoarp\ninterface eth0\nipv6rs\n');
  const client = Dhcpcd.start(host);
  await client.log.until(/executing: .*dhcpcd-run-hooks BOUND/);
  await host.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv6.conf.eth0.accept_ra: 2 }\n');
  await host.agent('apply');
  const why = /dhcpcd sets net\.ipv6\.conf\.eth0\.accept_ra to 0 after every boot \(\/etc\/dhcpcd\.conf:4\)/;
  const doctor = await host.agent('doctor');
  assert.match(doctor.stdout, why);
  const status = await host.agent('status', '--json');
  const { moments } = JSON.parse(status.stdout).settings.find(
    (one: { setting: string }) => one.setting === 'sysctl.net.ipv6.conf.eth0.accept_ra',
  );
  assert.deepEqual([moments.now.state, moments.boot.state], ['ok', 'drifted'], status.stdout);
  await host.write('/etc/dhcpcd.conf', 'nodelay\nnoarp\ninterface eth0\nnoipv6rs\n');
  assert.doesNotMatch((await host.agent('doctor')).stdout, why);
});

test('router advertisements: status and the probe know the default router and when it goes', {
  skip: unavailable(),
}, async () => {
  await using host = await LabHost.create({ interfaces: 2 });
  await startAdvertiser(host, { lifetime: 90 });
  await host.sh(`until ip -6 route show default proto ra | grep -q .; do sleep 0.05; done
    ip link set eth1 up; ip -6 route add default via fe80::9 dev eth1 metric 5`);
  const [gateway] = /fe80::\S+/.exec(await host.sh('ip -6 route show default proto ra'))!;
  const status = await host.agent('status');
  assert.match(status.stdout, new RegExp(`eth0: default router ${gateway}, until \\d{4}-\\S+Z`), status.stdout);
  const { advertisements } = JSON.parse((await host.agent('status', '--json')).stdout);
  assert.equal(advertisements.routers.length, 1, 'a route of another maker is no advertised one');
  const seconds = (Date.parse(advertisements.routers[0].expires) - Date.now()) / 1000;
  assert.ok(seconds > 0 && seconds <= 90, `${seconds}`);
  const probe = await host.agent('probe', 'leases', '--prometheus');
  const sample = new RegExp(`^holdfast_router_expire_seconds\\{[^}]*${gateway}[^}]*\\} (\\d+)`, 'm').exec(probe.stdout);
  assert.ok(Number(sample?.[1]) <= 90, probe.stdout);
});

test('router advertisements: with the daemon, status knows the name servers and search domains that no program takes', {
  skip: unavailable(),
}, async () => {
  await using host = await LabHost.create();
  const heard = async () => JSON.parse((await host.agent('status', '--json')).stdout).advertisements.heard;
  await host.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv4.ip_forward: 0 }\n');
  const daemon = await RunningAgent.start(host);
  assert.deepEqual(await heard(), []);
  const advertiser = await startAdvertiser(host, { nameservers: ['2001:db8::53'], search: ['corp.example'] });
  await host.sh('until grep nameservers /run/holdfast/standing | grep -q search; do sleep 0.1; done');
  const [first, second] = (await heard()).sort((a: { kind: string }, b: { kind: string }) =>
    a.kind < b.kind ? -1 : 1,
  );
  assert.deepEqual([first.interface, first.kind, first.values], ['eth0', 'nameservers', ['2001:db8::53']]);
  assert.deepEqual([second.kind, second.values], ['search', ['corp.example']]);
  assert.match(
    (await host.agent('status')).stdout,
    new RegExp(`eth0: ${first.router} advertises the name servers 2001:db8::53, until \\S+Z .*; no program`),
  );
  await host.sh('echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra');
  assert.deepEqual(await heard(), [], 'another program acts in the place of the kernel');
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra');
  await advertiser.stop();
  await daemon.stop();
  assert.deepEqual(await heard(), [], 'without the daemon');
});

test('router advertisements: ignored by `dhcp`, they make no default route beside dhclient, also on a later interface', {
  skip: unavailable(),
}, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  const routers = () => host.sh('ip -6 route show default proto ra');
  // The far side logs what it sends, and the near side has it when its own question, sent later, is answered.
  const advertised = async (wire: 0 | 1) => {
    const { log } = await startAdvertiser(host, { wire });
    await log.until(/RTR-ADVERT/);
    await host.sh(`until ping -6 -c 1 -W 1 -I eth${wire} ff02::2 >/dev/null 2>&1; do sleep 0.05; done`);
  };
  await t.test('control', async () => {
    await advertised(0);
    await host.sh('until ip -6 route show default proto ra | grep -q eth0; do sleep 0.05; done');
    await host.sh('ip link set eth0 down');
    assert.equal(await routers(), '');
  });
  await host.write('/etc/holdfast/agent.yaml', 'dhcp: { ignore: [router-advertisements] }\n');
  const applied = await host.agent('apply');
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  assert.match(await host.read('/etc/sysctl.d/60-holdfast.conf'), /net\.ipv6\.conf\.\*\.accept_ra = 0/);
  await host.sh('ip link set eth0 up; ip link add later type veth peer name other');
  await advertised(1);
  assert.equal(await routers(), '');
  assert.equal(await host.sh('cat /proc/sys/net/ipv6/conf/later/accept_ra'), '0\n');
  const status = JSON.parse((await host.agent('status', '--json')).stdout);
  const setting = status.settings.find((one: { setting: string }) => one.setting.endsWith('.router-advertisements'));
  assert.deepEqual([setting.moments.now.state, setting.moments.boot.state], ['ok', 'ok'], JSON.stringify(setting));
});

test('router advertisements: a rehearsal says that the host has its default route by them, and the stage none', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost({ lease: 600 });
  const { host } = scene;
  const notes = async () => {
    const { stdout } = await host.agent('rehearse', 'lease', 'eth0', '--reason', 'RENEW', '--json');
    return JSON.parse(stdout).interfaces[0].rehearsals[0].notes.filter((one: string) => one.includes('advertisements'));
  };
  assert.deepEqual(await notes(), [], 'control');
  await startAdvertiser(host);
  await host.sh('until ip -6 route show default proto ra | grep -q eth0; do sleep 0.05; done');
  const [gateway] = /fe80::\S+/.exec(await host.sh('ip -6 route show default proto ra'))!;
  assert.deepEqual(await notes(), [
    `eth0 has its default route by ${gateway} from router advertisements, and the stage sends none: nothing that they bring at this event is shown`,
  ]);
});

test('router advertisements: a rehearsal of dhcpcd has what they bring', {
  skip: noDhcpcd,
}, async () => {
  await using host = await LabHost.create();
  await connect(host);
  await startDhcpServer(host, { lease: 600 });
  await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=0');
  await startAdvertiser(host, { nameservers: ['2001:db8::11'], search: ['ra.example'] });
  await host.write('/etc/dhcpcd.conf', 'nodelay\nnoarp\nipv6rs\noption domain_name_servers\noption rdnss\n');
  const client = Dhcpcd.start(host);
  await client.log.until(/executing: .*dhcpcd-run-hooks BOUND/);
  await host.sh('until grep -q 2001:db8::11 /run/dhcpcd/hook-state/resolv.conf/*; do sleep 0.05; done');
  await host.sh('rm /run/dhcpcd/hook-state/resolv.conf/*; : >/etc/resolv.conf');
  const foretold = await foretell(host, 'REBOOT');
  assert.match(foretold.resolvConf.after ?? '', /^search ra\.example\nnameserver 2001:db8::11$/m);
  assert.doesNotMatch(foretold.notes.join('\n'), /advertisements/);
  assert.equal(foretold.addresses.after.length, 2);
  assert.ok(
    foretold.routes.after.some((route) => /^default via fe80:/.test(route)),
    foretold.routes.after.join('\n'),
  );
});
