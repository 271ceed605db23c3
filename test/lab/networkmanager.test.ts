/** The same `dns:` on a host whose lease NetworkManager takes: when the lease changes, at its restart, and back again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDhcpServer } from '../parts/lab/dhcp.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { hostileOffers, VALUES } from '../parts/lab/hostile.ts';
import { Manager, managedHost, noNetworkManager, offersOf, renewals } from '../parts/lab/networkmanager.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const skip = noNetworkManager;
const LEASE = { lease: 4 };

/** NetworkManager writes resolv.conf once the merged servers are others than before. */
async function until(host: LabHost, file: string, text: string): Promise<void> {
  await host.sh(`timeout 60 sh -c 'until grep -q "${text}" ${file}; do sleep 0.1; done'`);
}
const MERGED = '/run/NetworkManager/resolv.conf';

test('NetworkManager control: changed by hand, the next lease that brings anything new brings the old servers back', {
  skip,
}, async () => {
  await using scene = await managedHost({ ...LEASE, offers: offersOf('old.example.com') });
  const { host, server } = scene;
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  await host.sh(`printf 'nameserver %s\\n' ${NEW.join(' ')} >/etc/resolv.conf`);
  await server.stop();
  await startDhcpServer(host, { ...LEASE, offers: offersOf('older.example.com') });
  await until(host, '/etc/resolv.conf', 'older.example.com');
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
});

test('NetworkManager: through apply, leases, another configuration and revert, resolv.conf stays right and nothing is lost', {
  skip,
}, async (t) => {
  await using scene = await managedHost({ ...LEASE, offers: offersOf('old.example.com') });
  const { host } = scene;
  let { server } = scene;
  const address = /inet (\S+?)\//.exec(await host.sh('ip -4 -o addr show dev eth0'))![1]!;
  const deletions = await watchDeletions(host);
  const pings = await Promise.all([watchPings(host, '10.77.0.1', 'host'), watchPings(host, address, 'server')]);

  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await renewals(server, 2);
  for (const domain of ['older.example.com', 'oldest.example.com']) {
    await server.stop();
    server = await startDhcpServer(host, { ...LEASE, offers: offersOf(domain) });
    await until(host, MERGED, domain);
    await renewals(server, 2);
  }
  const seen = await watch.stop();
  t.diagnostic(
    `6 leases and more, a poll every ${seen.meanUs.toFixed(1)} µs, at worst after ${seen.longestUs.toFixed(0)} µs`,
  );
  const { wrongMs, emptyMs, absentMs, changes } = seen;
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  await holds(host);

  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace(NEW.join(', '), NEW.toReversed().join(', ')));
  assert.equal((await host.agent('apply')).code, 0);
  await renewals(server, 1);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW.toReversed());
  assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0, 'a second apply changes nothing');
  const status = JSON.parse((await host.agent('status', '--json')).stdout);
  for (const { setting, moments } of status.settings) {
    const states = Object.values(moments as Record<string, { state: string }>).map(({ state }) => state);
    assert.deepEqual([setting, ...states], [setting, 'ok', 'ok', 'ok']);
  }
  assert.deepEqual(status.otherClients[0].interfaces, ['eth0']);

  assert.equal((await host.agent('revert')).code, 0);
  assert.ok(!host.exists('/etc/NetworkManager/conf.d/90-holdfast.conf'));
  assert.ok(!host.exists('/etc/NetworkManager/dispatcher.d/90-holdfast'));
  await until(host, '/etc/resolv.conf', 'oldest.example.com'); // told, it has it in its hands again
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);

  const all = await Promise.all(pings.map((one) => one.stop()));
  t.diagnostic(`${all.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    all.map(({ lost }) => lost),
    [0, 0],
  );
  assert.deepEqual(await deletions.stop(), []);
});

test('NetworkManager: a new start keeps the settings, and a lost resolv.conf returns', { skip }, async () => {
  await using scene = await managedHost({ ...LEASE, offers: offersOf('old.example.com') });
  const { host, manager } = scene;
  await apply(host);
  await manager.kill();
  await host.sh('ip addr flush dev eth0; rm /etc/resolv.conf /run/lab/events');
  await Manager.start(host);
  await until(host, '/run/lab/events', 'eth0 up');
  await holds(host);
});

test('NetworkManager: settings that are not configured are as NetworkManager composes them', { skip }, async () => {
  await using scene = await managedHost({ ...LEASE, offers: offersOf('old.example.com') });
  const { host, server } = scene;
  await host.write('/etc/holdfast/agent.yaml', `dns: { nameservers: [${NEW.join(', ')}] }\n`);
  assert.equal((await host.agent('apply')).code, 0);
  await server.stop();
  await startDhcpServer(host, { ...LEASE, offers: offersOf('older.example.com') });
  await until(host, MERGED, 'older.example.com');
  await host.sh('nmcli --wait 60 connection up eth0'); // a mere renewal is no event of NetworkManager 1.42's
  await until(host, '/etc/resolv.conf', 'older.example.com');
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
});

test('NetworkManager: a later file, a link of its own and a second client are reported and refused', {
  skip,
}, async () => {
  await using scene = await managedHost({ ...LEASE, offers: offersOf('old.example.com') });
  const { host } = scene;
  await host.write('/etc/NetworkManager/conf.d/zz-site.conf', '[main]\ndns=default\n');
  const overruled = await host.agent('apply');
  assert.equal(overruled.code, 4);
  assert.match(`${overruled.stdout}${overruled.stderr}`, /zz-site\.conf:2 sets dns=default after ours/);
  await host.sh('rm /etc/NetworkManager/conf.d/zz-site.conf');
  assert.equal((await host.agent('revert')).code, 0);

  await host.sh(`ln -sf ${MERGED} /etc/resolv.conf`);
  assert.equal((await host.agent('apply')).code, 4);
  assert.ok(!host.exists('/etc/NetworkManager/conf.d/90-holdfast.conf'), 'left to its owner, who may go on');
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace('dns:\n', 'dns:\n  symlink: replace\n'));
  await apply(host);
  assert.equal((await host.agent('revert')).code, 0);

  await host.sh('dhclient -4 -nw -sf /bin/true -lf /run/lab/other -pf /run/lab/other.pid eth0');
  const contested = await host.agent('apply');
  assert.equal(contested.code, 4);
  assert.match(`${contested.stdout}${contested.stderr}`, /eth0 is served by dhclient\[\d+\] and NetworkManager\[\d+\]/);
  assert.ok(!host.exists('/etc/NetworkManager/conf.d/90-holdfast.conf'));
});

test('NetworkManager: hostile values of a server do no harm where its names are wanted', {
  skip,
  concurrency: 4,
}, async (t) => {
  await Promise.all(
    Object.entries(VALUES).map(([title, value]) =>
      t.test(title, async () => {
        await using scene = await managedHost({ ...LEASE, offers: hostileOffers(value) });
        const { host, server } = scene;
        await host.write('/etc/holdfast/agent.yaml', `dns: { nameservers: [${NEW.join(', ')}] }\n`);
        assert.equal((await host.agent('apply')).code, 0);
        await host.sh('rm /etc/resolv.conf; nmcli device reapply eth0 || true');
        await renewals(server, 2);
        await host.sh('cp /etc/NetworkManager/dispatcher.d/90-holdfast /run/lab/d; sh /run/lab/d eth0 up');
        assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
        assert.ok(!host.exists('/run/lab/canary'), 'executed');
        assert.doesNotMatch(await host.read('/etc/resolv.conf'), /6\.6\.6\.6|^search evil|^nameserver evil/m);
      }),
    ),
  );
});

test('NetworkManager loosens a strict rp_filter as it activates, and status said that it may', { skip }, async () => {
  await using scene = await managedHost({ lease: 600, offers: offersOf('old.example.com') });
  const { host } = scene;
  const boot = async (value: number) => {
    await host.write('/etc/holdfast/agent.yaml', `sysctl: { net.ipv4.conf.eth0.rp_filter: ${value} }\n`);
    const { code, stdout, stderr } = await host.agent('apply');
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse((await host.agent('status', '--json')).stdout).settings[0].moments.boot;
  };
  const activated = async () =>
    (await host.sh('nmcli connection up eth0 >/dev/null; cat /proc/sys/net/ipv4/conf/eth0/rp_filter')).trim();
  const { state, reason } = await boot(1);
  assert.equal(state, 'unknown');
  assert.match(reason, /NetworkManager may set net\.ipv4\.conf\.eth0\.rp_filter to 2 after every boot/);
  assert.equal(await activated(), '2');
  assert.equal((await boot(2)).state, 'ok');
  // The control: it leaves 0 alone.
  assert.equal((await boot(0)).state, 'ok');
  assert.equal(await activated(), '0');
});
