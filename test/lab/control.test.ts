/** (1) The outage that Holdfast is for, and the proof that the lab's instruments see it: no Holdfast in this file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { NEW, nameservers, OLD, OLD_DHCLIENT_CONF, staleHost } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const skip = unavailable();
const NEW_RESOLV_CONF = `search dev.example.com example.com\n${NEW.map((a) => `nameserver ${a}\n`).join('')}options rotate\n`;

test('control: the next renewal undoes both files that an operator edited by hand', {
  skip,
}, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await client.leased(); // time until the next one
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF.replace(OLD.join(', '), NEW.join(', ')));
  await host.write('/etc/resolv.conf', NEW_RESOLV_CONF);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);

  await client.leased();

  const after = await host.read('/etc/resolv.conf');
  assert.deepEqual(nameservers(after), OLD);
  assert.doesNotMatch(after, /options/, 'and what dhclient knows nothing of is lost');
});

test('control: the poller sees the wrong and the empty resolv.conf of a renewal', { skip }, async () => {
  await using scene = await staleHost();
  const { host, client } = scene;
  // The file is empty for a millisecond, which a poller on a busy machine may sleep through.
  for (let round = 1; ; round += 1) {
    await host.write('/etc/resolv.conf', NEW_RESOLV_CONF);
    const watch = await watchFile(host, '/etc/resolv.conf');
    await client.leased(3);
    const seen = await watch.stop();
    if (seen.wrongMs > 0 && seen.emptyMs > 0 && seen.changes >= 3) break;
    assert.ok(round < 8, JSON.stringify(seen));
  }
});

test('control: pings, monitor and poller see that an address and a default route go', { skip }, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  const deletions = await watchDeletions(host);
  const routes = await watchFile(host, '/proc/net/route');
  const pings = await watchPings(host, '10.77.0.1', 'host');
  await host.sh('ip addr flush dev eth0; sleep 0.1; ip addr add 10.77.0.100/24 dev eth0');
  const { lost, answered } = await pings.stop();
  assert.ok(lost > 0 && answered > 0);
  assert.match((await deletions.stop()).join('\n'), /inet 10\.77\.0\.100\/24/);
  assert.ok((await routes.stop()).wrongMs > 0);
});
