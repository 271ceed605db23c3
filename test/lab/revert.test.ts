/** What a revert cannot put back, it tells: what a running dhclient has read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dhclient } from '../parts/lab/dhcp.ts';
import { unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, NEW, nameservers, OLD, OLD_DHCLIENT_CONF, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();
const OFFERS = `option domain-name-servers ${OLD.join(', ')};`;
const TELLS = /dhclient\[\d+\] on eth0 still uses the dhclient\.conf that it read at its start: at its next renewal/;

test('revert: a dhclient that never read our file brings the earlier servers at its next renewal', {
  skip,
}, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await apply(host);
  const { code, stdout } = await host.agent('revert');
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, TELLS);
  await client.leased(2);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
});

test('revert: for a dhclient that was started with our file, revert says what that dhclient will write', {
  skip,
}, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await apply(host);
  await client.kill();
  const second = Dhclient.start(host);
  await second.leased();
  const { code, stdout } = await host.agent('revert');
  assert.equal(code, 0);
  assert.match(stdout, TELLS);
  assert.match(stdout, new RegExp(`nameserver ${NEW[0]}; nameserver ${NEW[1]}\\. Start it again to end that`));
  await second.leased(2);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW, 'as was told');

  await second.kill();
  const third = Dhclient.start(host);
  await third.leased();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD, 'started again it reads what was before');
});

test('revert: while our hook stays, a renewal brings nothing, and revert does not say that it would', {
  skip,
}, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await apply(host);
  const { code, stdout } = await host.agent('revert', '--only', 'dhclient');
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, TELLS);
  await client.leased(1);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
});

test('revert: name servers of long ago do not come back where a lease has others', { skip }, async () => {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  await host.write('/etc/resolv.conf', '# by hand\nnameserver 192.0.2.99\noptions timeout:2\n');
  await apply(host);
  const { code, stdout, stderr } = await host.agent('revert');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /with the lease's name servers 10\.77\.0\.11 10\.77\.0\.12 in place of 192\.0\.2\.99/);
  const text = await host.read('/etc/resolv.conf');
  assert.deepEqual(nameservers(text), OLD);
  assert.match(text, /^# by hand\n[\s\S]*^options timeout:2$/m);
});

test("revert: after a boot with our name servers, revert does not take them for the lease's, whatever was configured since", {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600, offers: OFFERS });
  const { host, client } = scene;
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(/^supersede .*\n/gm, ''));
  await host.write('/etc/resolv.conf', '# by hand\nnameserver 192.0.2.99\n');
  await apply(host);
  await client.kill();
  const second = Dhclient.start(host);
  await second.leased();
  // The lease of that start has our first servers; the configuration and resolv.conf have others by now.
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace(NEW.join(', '), `${NEW[1]}, ${OLD[1]}`));
  assert.equal((await host.agent('apply')).code, 0);
  const { code, stdout, stderr } = await host.agent('revert');
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    stdout,
    /with the earlier name servers \(192\.0\.2\.99\): the lease's are unknown, because dhclient\[\d+\] on eth0 put/,
  );
  const text = await host.read('/etc/resolv.conf');
  assert.deepEqual(nameservers(text), ['192.0.2.99']);
  assert.doesNotMatch(text, /example\.com/);
});

test('revert: a lease with name servers of its server and a superseded search: revert takes only the name servers', {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600, offers: OFFERS });
  const { host, client } = scene;
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(/^supersede .*\n/gm, ''));
  await host.write('/etc/resolv.conf', '# by hand\nsearch before.example\nnameserver 192.0.2.99\n');
  await host.write('/etc/holdfast/agent.yaml', 'dns:\n  search: [dev.example.com]\n');
  assert.equal((await host.agent('apply')).code, 0);
  const applied = await host.read('/etc/resolv.conf');
  await client.kill();
  const second = Dhclient.start(host);
  await second.leased();
  // A person takes the lease's name servers out again.
  await host.write('/etc/resolv.conf', applied);
  const { code, stdout, stderr } = await host.agent('revert');
  assert.equal(code, 0, stdout + stderr);
  const text = await host.read('/etc/resolv.conf');
  assert.doesNotMatch(text, /dev\.example\.com/);
  assert.deepEqual(nameservers(text), OLD);
  assert.match(stdout, /with the lease's name servers .* in place of 192\.0\.2\.99/);
});

test('revert: what a dhclient read that started before its file changed is unknown, and not said to be ours', {
  skip,
}, async () => {
  await using scene = await staleHost({ renewEvery: 600, offers: OFFERS });
  const { host } = scene;
  await host.write('/etc/resolv.conf', 'nameserver 192.0.2.99\n');
  // Before Holdfast was there: nobody has seen which file this dhclient read.
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(/^supersede .*\n/gm, ''));
  await apply(host);
  const { code, stdout } = await host.agent('revert');
  assert.equal(code, 0);
  assert.match(
    stdout,
    /\(192\.0\.2\.99\): the lease's are unknown, because \/etc\/dhcp\/dhclient\.conf changed after the start of dhclient\[\d+\] on eth0, which may/,
  );
});
