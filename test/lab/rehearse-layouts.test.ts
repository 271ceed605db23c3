/** Rehearsals on hosts that differ from the plain one: each is compared with what really comes. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { cameTrue, foretell } from '../parts/lab/foretell.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, OLD_DHCLIENT_CONF, staleHost } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };
const RENEWING = { lease: 60, renewEvery: 3 };

test('rehearse: it foretells a host whose resolv.conf is a mount', options, async () => {
  await using scene = await staleHost(RENEWING);
  const { host, client } = scene;
  await host.sh('cp /etc/resolv.conf /tmp/mounted; mount --bind /tmp/mounted /etc/resolv.conf');
  await apply(host);
  await host.write('/etc/resolv.conf', 'nameserver 10.1.1.1\n# mine\n');
  const mounted = await host.sh('stat -c %i /tmp/mounted');
  const foretold = await foretell(host, 'RENEW');
  assert.match(foretold.resolvConf.after ?? '', /# mine/);
  await client.leased();
  await cameTrue(host, foretold);
  assert.equal(await host.sh('stat -c %i /etc/resolv.conf'), mounted, 'it was written in place');
});

test('rehearse: it foretells a host whose resolv.conf is a link into /run', options, async () => {
  await using scene = await staleHost(RENEWING);
  const { host, client } = scene;
  await host.sh(
    'mkdir -p /run/own; echo "nameserver 10.1.1.1" >/run/own/resolv.conf; ln -sf ../run/own/resolv.conf /etc/resolv.conf',
  );
  const foretold = await foretell(host, 'RENEW');
  assert.equal(foretold.code, 2);
  await client.leased();
  await cameTrue(host, foretold);
  assert.match(await host.sh('readlink /etc/resolv.conf'), /run\/own/);
});

test('rehearse: it foretells a host whose /etc and /var are mounts with odd names', options, async () => {
  await using scene = await staleHost(RENEWING);
  const { host, client } = scene;
  await host.sh(`for folder in etc var; do mkdir /tmp/$folder; mount -t tmpfs tmpfs /tmp/$folder; cp -a /$folder/. /tmp/$folder 2>/dev/null || :; mount --move /tmp/$folder /$folder; done
    mkdir "/var/a b,c:d"; mount -t tmpfs tmpfs "/var/a b,c:d"; mkdir /etc/ro; mount -t tmpfs -o ro tmpfs /etc/ro`);
  await host.write(
    '/etc/dhcp/dhclient-exit-hooks.d/own',
    'if touch /etc/ro/x 2>/dev/null; then echo "nameserver 10.6.6.6" >>/etc/resolv.conf; fi; touch /var/lib/x && echo "# x" >>/etc/resolv.conf\n',
  );
  const foretold = await foretell(host, 'RENEW');
  await host.sh(': >/etc/resolv.conf');
  await client.leased();
  await cameTrue(host, foretold);
  assert.match(foretold.resolvConf.after ?? '', /# x/);
});

test('rehearse: with two dhclients, the second default route is foretold as missing', options, async () => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  const clients: Dhclient[] = [];
  for (const wire of [0, 1]) {
    await connect(host, wire);
    await startDhcpServer(host, { wire });
    clients.push(Dhclient.start(host, { wire }));
    await clients[wire]!.leased();
  }
  await apply(host);
  await host.sh('ip route del default; ip route add default via 10.77.1.1 dev eth1');
  const foretold = await foretell(host, 'REBOOT');
  assert.deepEqual(
    foretold.routes.after.filter((line) => line.startsWith('default')),
    ['default via 10.77.1.1 dev eth1'],
  );
  await clients[0]!.kill();
  await Dhclient.start(host).leased();
  await cameTrue(host, { ...foretold, routes: { after: await routes(host) } });
  assert.deepEqual(
    (await routes(host)).filter((line) => line.startsWith('default')),
    ['default via 10.77.1.1 dev eth1'],
  );

  const { code, stdout } = await host.agent('rehearse', 'lease', '--json', '--reason', 'RENEW');
  const { interfaces } = JSON.parse(stdout);
  assert.deepEqual([code, ...interfaces.map((one: { interface: string }) => one.interface)], [0, 'eth0', 'eth1']);
});

test(
  'rehearse: a dhclient that NetworkManager runs is none of ours; a lease that has expired is used by nobody',
  options,
  async () => {
    await using scene = await staleHost({ lease: 3 });
    const { host, client, server } = scene;
    await client.kill();
    await server.stop();
    await host.sh('sleep 4');
    const expired = await host.agent('rehearse', 'lease', 'eth0', '--reason', 'TIMEOUT');
    assert.equal(expired.code, 4);
    assert.match(expired.stderr, /the recorded lease of eth0 has expired: no dhclient would use it/);
    const boot = await host.agent('rehearse', 'boot', '--json');
    assert.equal(JSON.parse(boot.stdout).interfaces[0].rehearsals[0].reason, 'BOUND');

    await host.write('/var/lib/NetworkManager/dhclient-eth0.conf', '');
    const args = [
      '-cf',
      '/var/lib/NetworkManager/dhclient-eth0.conf',
      '-sf',
      '/usr/libexec/nm-dhcp-helper',
      '-pf',
      '/run/nm.pid',
    ];
    Dhclient.start(host, { args: [...args, '-lf', '/var/lib/dhcp/dhclient.eth0.leases', 'eth0'] });
    await host.sh('until pgrep -x dhclient >/dev/null; do sleep 0.1; done');
    const theirs = await host.agent('rehearse', 'lease');
    assert.equal(theirs.code, 4);
    assert.match(theirs.stderr, /is run by NetworkManager, and its script passes the lease to NetworkManager/);
  },
);

test("rehearse: it foretells a host with RHEL's script and hooks", options, async () => {
  await using host = await LabHost.create();
  await host.write(
    '/sbin/dhclient-script',
    await readFile(join(import.meta.dirname, '../parts/lab/rhel/dhclient-script')),
    0o755,
  );
  await host.sh('rm -rf /etc/dhcp/dhclient-enter-hooks.d /etc/dhcp/dhclient-exit-hooks.d');
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  await connect(host);
  await startDhcpServer(host, RENEWING);
  const client = Dhclient.start(host);
  await client.leased();
  const stale = await foretell(host, 'RENEW');
  assert.equal(stale.code, 2);
  await client.leased();
  await cameTrue(host, stale);
  await apply(host);
  const held = await foretell(host, 'RENEW');
  assert.equal(held.code, 0);
  await client.leased();
  await cameTrue(host, held);
});

test('rehearse: a hook that waits for ever is not waited for', options, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  await apply(host);
  await host.write('/etc/dhcp/dhclient-enter-hooks.d/aa-waits', 'sleep 4321\n');
  const { code, stdout } = await host.agent('rehearse', 'lease', '--reason', 'RENEW');
  assert.equal(code, 2);
  assert.match(stdout, /did not end within 20 s/);
});

async function routes(host: LabHost): Promise<string[]> {
  return (await host.sh('ip -4 route show table main'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
