/** Hosts that differ from the plain one: resolvconf, several interfaces, other ways to call dhclient, RHEL's layout. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianPackage } from '../parts/lab/debian-package.ts';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, OLD_DHCLIENT_CONF, staleHost } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';

const skip = unavailable();

test('host layouts: the settings hold although the hook of resolvconf redefines make_resolv_conf', {
  skip,
}, async (t) => {
  const resolvconf = await debianPackage('resolvconf');
  if (resolvconf === null) return t.skip('Debian package resolvconf cannot be downloaded here');
  await using scene = await staleHost();
  const { host, client } = scene;
  await host.write('/tmp/resolvconf.deb', resolvconf);
  // The files and the link that the installation leaves, without hooks of this machine's other packages.
  await host.sh(`rm -rf /etc/resolvconf
    dpkg-deb -x /tmp/resolvconf.deb /tmp/unpacked
    cp -a /tmp/unpacked/etc/. /etc; cp -a /tmp/unpacked/sbin/. /sbin; cp -a /tmp/unpacked/lib/. /lib
    mkdir -p /run/resolvconf/interface; resolvconf --enable-updates; resolvconf -u
    ln -sf ../run/resolvconf/resolv.conf /etc/resolv.conf`);
  await client.leased();

  const refused = await host.agent('apply');
  assert.equal(refused.code, 4, "a link is somebody else's file");
  assert.match(refused.stdout + refused.stderr, /resolvconf/);
  await client.leased();
  assert.match(await host.sh('readlink /etc/resolv.conf'), /run\/resolvconf/, 'and stays so');

  await host.write('/etc/holdfast/agent.yaml', `${AGENT_YAML}  symlink: replace\n`);
  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await client.leased(3);
  assert.equal((await watch.stop()).changes, 0);
  assert.equal(client.declined, 0);
  await holds(host);
});

test('host layouts: the settings hold on two interfaces with a dhclient each', { skip }, async () => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  const clients: Dhclient[] = [];
  for (const wire of [0, 1]) {
    await connect(host, wire);
    await startDhcpServer(host, { wire, renewEvery: 1, offers: 'option domain-name-servers 10.77.0.99;' });
    clients.push(Dhclient.start(host, { wire }));
    await clients[wire]!.leased();
  }
  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await Promise.all(clients.map((client) => client.leased(4)));
  const { changes, wrongMs } = await watch.stop();
  assert.deepEqual({ changes, wrongMs }, { changes: 0, wrongMs: 0 });
  assert.deepEqual((await readdir(host.path('/run/holdfast'))).filter((name) => name.startsWith('lease')).sort(), [
    'lease.eth0',
    'lease.eth1',
  ]);
});

const FORMS: Record<string, readonly string[]> = {
  'in the background (ifup)': [
    '-4',
    '-v',
    '-i',
    '-pf',
    '/run/dhclient.eth0.pid',
    '-lf',
    '/var/lib/dhcp/dhclient.eth0.leases',
    '-I',
    '-df',
    '/var/lib/dhcp/dhclient6.eth0.leases',
    'eth0',
  ],
  'one try (-1)': ['-1', 'eth0'],
  'without a word (-q -nw)': ['-q', '-nw', 'eth0'],
  'with a file of its own (-cf)': ['-cf', '/etc/dhcp/dhclient-own.conf', 'eth0'],
  'on every interface': [],
};

test('host layouts: the settings hold however dhclient is called', { skip, concurrency: 3 }, async (t) => {
  await Promise.all(
    Object.entries(FORMS).map(([title, args]) =>
      t.test(title, async () => {
        await using host = await LabHost.create();
        await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
        await host.write('/etc/dhcp/dhclient-own.conf', OLD_DHCLIENT_CONF);
        await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
        await connect(host);
        const { log } = await startDhcpServer(host, { renewEvery: 1 });
        const renewed = async (count: number) => {
          // One more than asked for, because dhclient asks again only when its script has ended.
          for (let n = 0; n <= count; n++) await log.until(/^DHCPREQUEST/, log.lines.length);
        };
        await host.sh(`dhclient ${args.join(' ')} </dev/null >/dev/null 2>&1`);
        await renewed(1);
        await apply(host);
        const watch = await watchFile(host, '/etc/resolv.conf');
        await renewed(3);
        const { changes, wrongMs } = await watch.stop();
        assert.deepEqual({ changes, wrongMs }, { changes: 0, wrongMs: 0 });
        assert.equal(log.count(/^DHCPDECLINE/), 0);
        // And its file has it too: what the next start of this very form reads.
        const conf = args.includes('-cf') ? '/etc/dhcp/dhclient-own.conf' : '/etc/dhcp/dhclient.conf';
        assert.match(await host.read(conf), /domain-name-servers 10\.77\.0\.21, 10\.77\.0\.22/);
      }),
    ),
  );
});

test("host layouts: the settings hold with RHEL's one hook file, which must be executable", { skip }, async () => {
  await using host = await LabHost.create();
  const script = await readFile(join(import.meta.dirname, '../parts/lab/rhel/dhclient-script'));
  await host.write('/sbin/dhclient-script', script, 0o755);
  await host.sh('rm -rf /etc/dhcp/dhclient-enter-hooks.d /etc/dhcp/dhclient-exit-hooks.d');
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  const theirs = '#!/bin/bash\n# somebody was here before\necho "$reason" >>/run/lab/theirs\n';
  await host.write('/etc/dhcp/dhclient-enter-hooks', theirs, 0o755);
  await connect(host);
  await startDhcpServer(host, { renewEvery: 1 });
  const client = Dhclient.start(host);
  await client.leased();

  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await client.leased(3);
  const { changes, wrongMs } = await watch.stop();
  assert.deepEqual({ changes, wrongMs }, { changes: 0, wrongMs: 0 });
  assert.equal(client.declined, 0);
  assert.match(await host.read('/run/lab/theirs'), /BOUND\n(RENEW\n)+/);
  assert.match(await host.read('/run/holdfast/lease.eth0'), /^reason=RENEW/);

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read('/etc/dhcp/dhclient-enter-hooks'), theirs);
});
