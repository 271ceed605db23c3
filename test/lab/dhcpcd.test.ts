/** The same `dns:` on a host whose lease dhcpcd takes: at its renewals, at its restart, at SIGHUP, and back again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dhcpcd, dhcpcdHost, noDhcpcd, OLD_DHCPCD_CONF } from '../parts/lab/dhcpcd.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { hostileOffers, VALUES } from '../parts/lab/hostile.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const skip = noDhcpcd;

const address = async (host: LabHost) => /inet (\S+?)\//.exec(await host.sh('ip -4 -o addr show dev eth0'))![1]!;

test('dhcpcd control: dhcpcd.conf and resolv.conf changed by hand, and the next renewal brings the old servers back', {
  skip,
}, async () => {
  await using scene = await dhcpcdHost();
  const { host, client } = scene;
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
  await host.write('/etc/dhcpcd.conf', OLD_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));
  await host.sh(`printf 'nameserver %s\\n' ${NEW.join(' ')} >/etc/resolv.conf`);
  await client.leased();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
});

test('dhcpcd control: if dhcpcd reads a changed file again, it drops address and routes', { skip }, async () => {
  await using scene = await dhcpcdHost();
  const { host, client } = scene;
  const deletions = await watchDeletions(host);
  await host.write('/etc/dhcpcd.conf', OLD_DHCPCD_CONF.replace(OLD.join(' '), NEW.join(' ')));
  await client.readAgain();
  await client.log.until(/config file changed, expiring leases/);
  await client.events();
  assert.match((await deletions.stop()).join('\n'), /Deleted .* inet 10\.77\.0\./);
});

test('dhcpcd: through apply, renewals, a change, SIGHUP and revert no ping, address or route is lost', {
  skip,
}, async (t) => {
  await using scene = await dhcpcdHost();
  const { host, client } = scene;
  const before = await host.read('/etc/resolv.conf');
  const deletions = await watchDeletions(host);
  const table = await watchFile(host, '/proc/net/route');
  const pings = await Promise.all([
    watchPings(host, '10.77.0.1', 'host'),
    watchPings(host, await address(host), 'server'),
  ]);

  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await client.leased(6);
  // Another program makes dhcpcd read its configuration again.
  await client.readAgain();
  await client.leased(2);
  const seen = await watch.stop();
  t.diagnostic(`8 leases, a poll every ${seen.meanUs.toFixed(1)} µs, at worst after ${seen.longestUs.toFixed(0)} µs`);
  const { wrongMs, emptyMs, absentMs, changes } = seen;
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  await holds(host);
  assert.equal(client.log.count(/expiring leases/), 0);

  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace(NEW.join(', '), NEW.toReversed().join(', ')));
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW.toReversed());
  assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0, 'a second apply changes nothing');

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read('/etc/dhcpcd.conf'), OLD_DHCPCD_CONF);
  assert.ok(!host.exists('/etc/dhcpcd.enter-hook'));
  assert.equal(await host.read('/etc/resolv.conf'), before);
  await client.readAgain();
  await client.leased(2);
  assert.equal(client.log.count(/expiring leases/), 0);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);

  const all = await Promise.all(pings.map((one) => one.stop()));
  t.diagnostic(`${all.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    all.map(({ lost }) => lost),
    [0, 0],
  );
  const routes = await table.stop();
  assert.deepEqual([routes.wrongMs, routes.emptyMs], [0, 0]);
  assert.deepEqual(await deletions.stop(), []);
});

test('dhcpcd: a new start for one interface or for all keeps the settings, and brings a lost resolv.conf back', {
  skip,
}, async () => {
  await using scene = await dhcpcdHost();
  const { host } = scene;
  await apply(host);
  let { client } = scene;
  // For all interfaces it asks udev, which is not here.
  await host.sh('sed -i "1i nodev" /etc/dhcpcd.conf');
  for (const interfaces of [['eth0'], []]) {
    await client.kill();
    await host.sh('rm -f /etc/resolv.conf; ip addr flush dev eth0');
    client = Dhcpcd.start(host, interfaces);
    await client.leased(2);
    await holds(host);
  }
  // One of the two is enough. Here only dhcpcd.conf is left.
  await host.sh('rm /etc/dhcpcd.enter-hook');
  await client.kill();
  client = Dhcpcd.start(host, []);
  await client.leased(2);
  await holds(host);
  assert.equal((await host.agent('apply')).code, 0);

  const status = JSON.parse((await host.agent('status', '--json')).stdout);
  assert.deepEqual(
    status.otherClients.map((one: { program: string; interfaces: string[] }) => [one.program, one.interfaces]),
    [['dhcpcd', ['eth0']]],
  );
  for (const { setting, moments } of status.settings) {
    const states = Object.values(moments as Record<string, { state: string }>).map(({ state }) => state);
    assert.deepEqual([setting, ...states], [setting, 'ok', 'ok', 'ok']);
  }
});

test('dhcpcd: settings that are not configured come from the lease, as dhcpcd composes them', { skip }, async () => {
  const offers = 'option domain-name "lease.example.com"; option domain-name-servers 10.77.0.11;';
  await using scene = await dhcpcdHost({ renewEvery: 1, offers }, OLD_DHCPCD_CONF.replace(/^static domain.*\n/gm, ''));
  const { host, client } = scene;
  await host.write('/etc/holdfast/agent.yaml', `dns: { nameservers: [${NEW.join(', ')}], options: [rotate] }\n`);
  assert.equal((await host.agent('apply')).code, 0);
  await host.sh('sed -i /example/d /etc/resolv.conf');
  await client.leased(2);
  const lines = (await host.read('/etc/resolv.conf')).split('\n').filter((line) => /^\w/.test(line));
  assert.deepEqual(lines.sort(), [
    'domain lease.example.com',
    ...NEW.map((one) => `nameserver ${one}`),
    'options rotate',
  ]);
  const watch = await watchFile(host, '/etc/resolv.conf');
  await client.leased(5);
  const { wrongMs, emptyMs, changes } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, changes }, { wrongMs: 0, emptyMs: 0, changes: 0 });

  await host.write('/etc/holdfast/agent.yaml', 'dns: { search: [here.example.com] }\n');
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased(2);
  const then = (await host.read('/etc/resolv.conf'))
    .split('\n')
    .filter((line) => /^(search|domain|nameserver)/.test(line));
  assert.deepEqual(then.sort(), ['nameserver 10.77.0.11', 'search here.example.com']);
});

test('dhcpcd: two clients at one interface are refused, both named', { skip }, async () => {
  await using scene = await dhcpcdHost();
  const { host } = scene;
  await host.sh('dhclient -4 -nw -sf /bin/true -lf /run/lab/other -pf /run/lab/other.pid eth0');
  const conf = await host.read('/etc/dhcpcd.conf');
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(`${stdout}${stderr}`, /eth0 is served by dhclient\[\d+\] and dhcpcd\[\d+\]/);
  assert.equal(await host.read('/etc/dhcpcd.conf'), conf);
  assert.ok(!host.exists('/etc/dhcpcd.enter-hook'));
});

test('dhcpcd: hostile values of a server do no harm where its names are wanted', {
  skip,
  concurrency: 4,
}, async (t) => {
  await Promise.all(
    Object.entries(VALUES).map(([title, value]) =>
      t.test(title, async () => {
        const conf = OLD_DHCPCD_CONF.replace(/^static domain.*\n/gm, '');
        await using scene = await dhcpcdHost({ renewEvery: 1, offers: hostileOffers(value) }, conf);
        const { host, client } = scene;
        await host.write('/etc/holdfast/agent.yaml', `dns: { nameservers: [${NEW.join(', ')}] }\n`);
        assert.equal((await host.agent('apply')).code, 0);
        await client.leased(2);
        assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
        assert.ok(!host.exists('/run/lab/canary'), 'executed');
        assert.doesNotMatch(await host.read('/etc/resolv.conf'), /6\.6\.6\.6|evil/);
      }),
    ),
  );
});
