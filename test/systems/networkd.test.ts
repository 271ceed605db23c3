/** systemd-networkd takes the lease and systemd-resolved answers: what the server says, what is held, and what it costs. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { Machine, unavailable, withAgent } from './machine.ts';

const skip = unavailable();
/** They have systemd 247, 252 and 257. On Debian 11 systemd-resolved belongs to the package systemd. */
const RELEASES = { bullseye: [], bookworm: ['systemd-resolved'], trixie: ['systemd-resolved'] } as const;
type Release = keyof typeof RELEASES;
/** The file in which systemd-resolved lists the servers that it asks. */
const SERVERS = '/run/systemd/resolve/resolv.conf';
const SERVICE_DROP_IN = '/etc/systemd/system/systemd-networkd.service.d/holdfast.conf';
const NETWORK = '[Network]\nDHCP=yes\n\n[DHCPv4]\nUseDomains=yes\n';
/** Renames the link, like a cloud's script while the host boots. From now on another file is in force for it. */
const RENAME =
  'mkdir -p /run/systemd/network; cp /etc/systemd/network/10-lan.network /run/systemd/network/05-cloud.network; networkctl reload';
const LATER = ['10.77.0.31', '10.77.0.32'];
const offer = (servers: readonly string[]) => ({
  lease: 20,
  renewEvery: 2,
  offers: `option domain-name-servers ${servers.join(', ')}; option domain-name "old.example.com";`,
});
const FILES = {
  ...networkdFiles(NETWORK),
  '/etc/holdfast/agent.yaml': `dns:
  search: [dev.example.com, example.com]
  nameservers: [${NEW.join(', ')}]
  options: [rotate]
`,
};

async function boot(release: Release): Promise<Machine> {
  return Machine.boot({
    release,
    packages: RELEASES[release],
    files: FILES,
    setup: NETWORKD_SETUP,
    dhcp: offer(OLD),
    ready: withAgent,
  });
}

/** The name servers of libc, systemd-resolved and systemd-networkd. */
async function seen(machine: Machine) {
  const servers = (await machine.sh('resolvectl dns eth0')).trim().replace(/^.*?: ?/, '');
  const search = /^search (.*)$/m.exec(await machine.read('/etc/resolv.conf'))?.[1];
  return { servers: servers.split(' '), search };
}

const THEIRS = { servers: [...OLD], search: 'old.example.com' };
const OURS = { servers: [...NEW], search: 'dev.example.com example.com' };

/** With a server that from now on says something else: the outage of a DNS move, from the server's side. */
async function moveServers(machine: Machine): Promise<DhcpServer> {
  await machine.server!.stop();
  return startDhcpServer(machine.outside, offer(LATER));
}

for (const release of Object.keys(RELEASES) as Release[]) {
  test(`${release}: control: the next renewal brings whatever the server says`, { skip }, async () => {
    await using machine = await boot(release);
    assert.deepEqual(await seen(machine), THEIRS);
    await machine.leased(1, await moveServers(machine));
    assert.deepEqual((await seen(machine)).servers, LATER);
  });

  test(`${release}: control: a drop-in in /etc costs the lease at a reload; what was told is gone after a reboot`, {
    skip,
  }, async (t) => {
    await using machine = await boot(release);
    const deletions = await watchDeletions(machine);
    await machine.write('/etc/systemd/network/10-lan.network.d/zz-control.conf', '[Network]\nLLMNR=no\n');
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    await machine.sh(`networkctl reload; resolvectl dns eth0 ${NEW.join(' ')}`);
    await machine.leased(1);
    const { lost } = await pings.stop();
    t.diagnostic(`${lost} pings lost`);
    const isGone = (await deletions.stop()).some((line) => /eth0 +inet 10\.77\.0\.100/.test(line));
    assert.equal(isGone, release !== 'trixie');
    await machine.reboot();
    assert.deepEqual(await seen(machine), THEIRS);
  });

  if (release === 'bullseye') continue; // below
  test(`${release}: held now, through leases and a reboot, without a packet lost; revert`, { skip }, async (t) => {
    await using machine = await boot(release);
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    const deletions = await watchDeletions(machine);
    await machine.sh('agent apply');
    assert.deepEqual(await seen(machine), OURS);
    assert.match(await machine.sh('readlink /etc/resolv.conf'), /stub-resolv\.conf/);
    assert.match(await machine.sh('agent apply'), /as wanted/, 'the second one changes nothing');
    await machine.sh('networkctl reload');

    const watches = await Promise.all(['/etc/resolv.conf', SERVERS].map((file) => watchFile(machine, file)));
    const server = await moveServers(machine);
    await machine.leased(4, server);
    for (const watch of watches) {
      const { wrongMs, emptyMs, absentMs, changes } = await watch.stop();
      t.diagnostic(`${changes} changes`);
      assert.deepEqual({ wrongMs, emptyMs, absentMs }, { wrongMs: 0, emptyMs: 0, absentMs: 0 });
    }
    assert.deepEqual(await seen(machine), OURS);
    await machine.sh('systemctl restart systemd-resolved');
    assert.deepEqual(await seen(machine), OURS);
    await machine.sh('systemctl restart systemd-networkd; networkctl reload');
    await machine.leased(1, server);
    assert.deepEqual(await seen(machine), OURS);
    await heals(machine);
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.equal(lost, 0);
    // It keeps a route of its own to each server that the lease names: of no use to anyone now.
    const useless = [...OLD, ...LATER].map((old) => `Deleted ${old} dev`);
    // At its start systemd 252 makes the route to its own network anew.
    const remade = 'Deleted 10.77.0.0/24 dev eth0 proto kernel';
    const gone = (await deletions.stop()).filter((line) => {
      return line.includes('eth0') && ![...useless, remade].some((route) => line.startsWith(route));
    });
    assert.deepEqual(gone, []);

    await machine.sh(RENAME);
    await machine.leased(1, server);
    await machine.sh('agent apply');
    await machine.reboot();
    assert.deepEqual(await seen(machine), OURS);
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);
    const renamed = await watchFile(machine, SERVERS, { keyword: 'nameserver' });
    await machine.sh(RENAME);
    await machine.leased(1, server);
    assert.match(await machine.sh('networkctl status eth0'), /05-cloud\.network/);
    const { wrongMs } = await renamed.stop();
    assert.equal(wrongMs, 0, 'the other file has its drop-in as well');
    await quietServer(machine, server);
    await revert(machine);
  });
}

/** Another program's reload asks the server for nothing, so a silent server takes nothing away. */
async function quietServer(machine: Machine, server: DhcpServer): Promise<void> {
  await server.stop();
  const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
  await machine.sh('networkctl reload; sleep 1');
  assert.equal((await pings.stop()).lost, 0);
  assert.match(await machine.sh('ip -4 route show default'), /10\.77\.0\.1/);
}

test("bullseye: the lease's servers stay behind ours until the next boot, and that is said", { skip }, async () => {
  await using machine = await boot('bullseye');
  const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
  for (const _ of ['first', 'second']) {
    const { code, stdout } = await machine.run(['agent', 'apply']);
    assert.equal(code, 4);
    assert.match(
      stdout,
      /keeps 10\.77\.0\.11 and 10\.77\.0\.12 and old\.example\.com of the lease behind ours until it starts again/,
    );
  }
  await machine.sh('networkctl reload');
  const server = await moveServers(machine);
  await machine.leased(2, server);
  assert.deepEqual(await seen(machine), { servers: [...NEW, ...LATER], search: `${OURS.search} old.example.com` });
  assert.equal((await pings.stop()).lost, 0);
  await machine.reboot();
  assert.deepEqual(await seen(machine), OURS);
  await machine.sh('agent apply');
});

/** The daemon: another program's change of the link or of systemd-resolved's file lasts a moment. */
async function heals(machine: Machine): Promise<void> {
  await machine.copy(join(REPOSITORY, 'units/holdfast.service'), '/run/systemd/system/holdfast.service', 0o644);
  await machine.sh('systemctl daemon-reload; systemctl start holdfast.service; resolvectl dns eth0 192.0.2.66');
  await machine.sh(`timeout 60 sh -c 'until journalctl --unit=holdfast | grep -q eth0; do sleep 0.1; done'`);
  await machine.sh(`timeout 60 sh -c 'until resolvectl dns eth0 | grep -q ${NEW[0]}; do sleep 0.1; done'`);
  assert.deepEqual(await seen(machine), OURS);
  await machine.sh('echo nameserver 192.0.2.66 >/etc/resolv.conf');
  await machine.sh(`timeout 60 sh -c 'until grep -q "^nameserver 127" /etc/resolv.conf; do sleep 0.1; done'`);
  assert.deepEqual(await seen(machine), OURS);
  await machine.sh('systemctl stop holdfast.service');
}

/**
 * systemd-networkd has read the drop-in by now: first it says so, and leaves what a reload would look at. After a restart it is as
 * before.
 */
async function revert(machine: Machine): Promise<void> {
  const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
  const first = await machine.run(['agent', 'revert']);
  assert.equal(first.code, 4);
  assert.match(first.stdout + first.stderr, /systemctl restart systemd-networkd/);
  await machine.sh('networkctl reload');
  const server = await startDhcpServer(machine.outside, offer(LATER));
  await machine.sh('systemctl restart systemd-networkd; networkctl reload');
  await machine.leased(1, server);
  assert.equal((await machine.run(['agent', 'revert'])).code, 0);
  await machine.sh('networkctl reload');
  await machine.leased(1, server);
  assert.equal((await pings.stop()).lost, 0);
  assert.deepEqual((await seen(machine)).servers, LATER);
  assert.deepEqual(await machine.sh('ls /var/lib/holdfast/originals'), '');
  assert.equal(machine.exists(SERVICE_DROP_IN.replace(/\/[^/]+$/, '')), false);
  assert.equal(await machine.sh('find /run/systemd/network /etc/systemd -name "*holdfast*"'), '');
}
