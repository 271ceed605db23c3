/** rdnssd: the name servers of router advertisements reach resolv.conf by its merge hook, which Holdfast holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAdvertiser } from '../parts/lab/advertiser.ts';
import { debianPackage } from '../parts/lab/debian-package.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';

const skip = unavailable();
const HOOK = '/etc/rdnssd/merge-hook';
const ADVERTISED = ['2001:db8::11', '2001:db8::12'];
const RESOLV_CONF = `search old.example.com\n${OLD.map((address) => `nameserver ${address}\n`).join('')}nameserver fd00::7\n`;

/** A host with rdnssd and a router, or null if Debian's packages cannot be had here. */
async function scene(options: readonly string[] = ['-H', HOOK]): Promise<LabHost | null> {
  const packages = [await debianPackage('rdnssd'), await debianPackage('ndisc6')];
  if (packages.includes(null)) return null;
  const host = await LabHost.create();
  try {
    for (const file of packages) {
      await host.write('/tmp/package.deb', file!);
      await host.sh('dpkg-deb --fsys-tarfile /tmp/package.deb | tar -x -C / --keep-directory-symlink');
    }
    await host.write('/etc/resolv.conf', RESOLV_CONF);
    await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
    await startAdvertiser(host, { nameservers: ADVERTISED, search: ['ra.example'] });
    await host.sh('mkdir -p /run/rdnssd; chmod 777 /run/rdnssd');
    host.spawn(['rdnssd', '-f', '-u', 'nobody', '-p', '/run/rdnssd.pid', ...options]);
    await host.sh('until [ -e /run/rdnssd.pid ]; do sleep 0.02; done');
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Asks the router, and waits until the merge hook, if any, has ended. */
async function advertise(host: LabHost, times = 1): Promise<void> {
  await host.sh(`for n in $(seq ${times}); do
    rm -f /run/rdnssd/resolv.conf
    rdisc6 -q -1 eth0 >/dev/null
    until [ -s /run/rdnssd/resolv.conf ]; do sleep 0.02; done
    while pgrep -x merge-hook >/dev/null; do sleep 0.02; done
  done`);
}

test('rdnssd, control: each advertisement takes the IPv6 name servers out, and puts its own first', {
  skip,
}, async (t) => {
  const host = await scene();
  if (host === null) return t.skip('the Debian packages rdnssd and ndisc6 cannot be downloaded here');
  await using _ = host;
  await advertise(host);
  await host.sh('until grep -q 2001: /etc/resolv.conf; do sleep 0.02; done');
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [...ADVERTISED, ...OLD]);
  await host.write('/etc/resolv.conf', RESOLV_CONF);
  await advertise(host);
  // The next one does the same.
  await host.sh('until grep -q 2001: /etc/resolv.conf; do sleep 0.02; done');
});

test('rdnssd: no advertisement touches resolv.conf, and revert gives the merge hook back to the byte', {
  skip,
}, async (t) => {
  const host = await scene();
  if (host === null) return t.skip('the Debian packages rdnssd and ndisc6 cannot be downloaded here');
  await using _ = host;
  const original = await host.read(HOOK);
  await advertise(host);
  const doctor = await host.agent('doctor');
  assert.match(doctor.stdout, /HF-RESOLV-DAEMON[\s\S]*rdnssd\[\d+\] runs/);
  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await advertise(host, 10);
  const { wrongMs, emptyMs, absentMs, changes } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  await holds(host);
  const status = JSON.parse((await host.agent('status', '--json')).stdout);
  assert.deepEqual(status.advertisements.nameservers[0].addresses, ADVERTISED);
  const setting = status.settings.find((one: { setting: string }) => one.setting === 'dns.nameservers');
  assert.equal(setting.moments.lease.state, 'ok', JSON.stringify(setting));
  assert.doesNotMatch((await host.agent('doctor')).stdout, /rdnssd\[\d+\] runs/);
  assert.equal((await host.agent('plan')).code, 0);

  // Another program's content is put right by the next advertisement, without a daemon of ours.
  await host.write('/etc/resolv.conf', RESOLV_CONF);
  await advertise(host);
  await host.sh('while grep -q fd00: /etc/resolv.conf; do sleep 0.02; done');
  await holds(host);

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read(HOOK), original);
  await advertise(host);
  await host.sh('until grep -q 2001: /etc/resolv.conf; do sleep 0.02; done');
});

test('rdnssd: with dhcp.ignore of router advertisements it hears none, because the kernel passes on none', {
  skip,
}, async (t) => {
  const host = await scene();
  if (host === null) return t.skip('the Debian packages rdnssd and ndisc6 cannot be downloaded here');
  await using _ = host;
  await host.write(HOOK, '#!/bin/sh\ncat /tmp/phase >>/tmp/runs\n');
  await host.write('/tmp/phase', 'before\n');
  await advertise(host);
  await host.sh('until [ -s /tmp/runs ]; do sleep 0.02; done');
  await host.write('/etc/holdfast/agent.yaml', 'dhcp: { ignore: [router-advertisements] }\n');
  assert.equal((await host.agent('apply')).code, 0);
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  const states = settings.map(
    ({ setting, moments }: { setting: string; moments: Record<string, { state: string }> }) => {
      return [setting, ...new Set(Object.values(moments).map(({ state }) => state))];
    },
  );
  assert.deepEqual(states, [['dhcp.ignore.router-advertisements', 'ok']]);
  await host.write('/tmp/phase', 'ignored\n');
  await host.sh('for n in 1 2 3; do rdisc6 -q -1 eth0 >/dev/null; done');
  // The control: rdnssd still works, and hears the next one if the kernel accepts it.
  await host.write('/tmp/phase', 'accepted\n');
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra');
  await advertise(host);
  await host.sh('until grep -q accepted /tmp/runs; do sleep 0.02; done');
  assert.doesNotMatch(await host.read('/tmp/runs'), /ignored/);
});
