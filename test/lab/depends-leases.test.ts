/** The next lease of real DHCP clients: the old servers come back by it, until Holdfast holds others there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { dhcpcdHost, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { managedHost, noNetworkManager, offersOf } from '../parts/lab/networkmanager.ts';
import { apply, OLD, staleHost } from '../parts/lab/scene.ts';

const offers = `option domain-name-servers ${OLD.join(', ')};`;

/** What the next lease brings of the old servers: `address program on interface`, and each place that is not seen. */
async function nextLease(host: LabHost): Promise<string[]> {
  const { found, unseen } = JSON.parse((await host.agent('depends', '--json', ...OLD)).stdout) as DependsAnswer;
  return [
    ...found
      .filter(({ tense }) => tense === 'lease')
      .map(({ address, who }) => `${address} ${who.replace(/\[\d+\]/, '')}`),
    ...unseen.filter(({ tense }) => tense === 'lease').map(({ reason }) => reason.replace(/\[\d+\]/, '')),
  ];
}

test('depends: a dhclient that superseded the old servers brings them back, and no longer after apply', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost();
  assert.deepEqual(
    await nextLease(scene.host),
    OLD.map((one) => `${one} dhclient on eth0`),
  );
  await apply(scene.host);
  assert.deepEqual(await nextLease(scene.host), []);
});

test('depends: dhcpcd brings back what its server offers, and no longer after apply', { skip: noDhcpcd }, async () => {
  await using scene = await dhcpcdHost({ renewEvery: 1, offers });
  const { host } = scene;
  const brought = OLD.map((one) => `${one} dhcpcd on eth0`);
  assert.deepEqual(await nextLease(host), brought);
  // The static servers that it read at its start also come back, and no file names them any longer.
  await host.sh("sed -i '/^static domain_name_servers/d' /etc/dhcpcd.conf");
  const [doubt, ...rest] = (await nextLease(host)).slice(brought.length);
  assert.match(doubt ?? '', /^dhcpcd on eth0 may have read an older \/etc\/dhcpcd\.conf/);
  assert.deepEqual(rest, []);
  await apply(host);
  assert.deepEqual(await nextLease(host), []);
});

test('depends: NetworkManager brings back what its server offers, and no longer after apply', {
  skip: noNetworkManager,
}, async () => {
  await using scene = await managedHost({ offers: offersOf('old.example.com') });
  assert.deepEqual(
    await nextLease(scene.host),
    OLD.map((one) => `${one} NetworkManager on eth0`),
  );
  await apply(scene.host);
  assert.deepEqual(await nextLease(scene.host), []);
});
