/** rdnssd as Debian's service has it, beside ifup's dhclient: router advertisements do not reach resolv.conf, also after a boot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAdvertiser } from '../parts/lab/advertiser.ts';
import { AGENT_YAML, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';
import { until } from './clients.ts';
import { Machine, unavailable } from './machine.ts';

const ADVERTISED = ['2001:db8::11', '2001:db8::12'];
const INTERFACES = 'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\niface eth0 inet6 auto\n';
const RESOLV_CONF = '/etc/resolv.conf';

test('bookworm: rdnssd is held through advertisements and a reboot, and has its own hook back after revert', {
  skip: unavailable(),
}, async () => {
  await using machine = await Machine.boot({
    release: 'bookworm',
    packages: ['rdnssd'],
    files: { '/etc/network/interfaces': INTERFACES, '/etc/holdfast/agent.yaml': AGENT_YAML },
    dhcp: { renewEvery: 2, offers: `option domain-name-servers ${OLD.join(', ')};` },
  });
  const router = await startAdvertiser(machine.outside, { near: false, nameservers: ADVERTISED });
  const advertised = async (count: number) => {
    let from = router.log.lines.length;
    for (let n = 0; n < count; n++) from = (await router.log.indexOf(/RTR-ADVERT/, from)) + 1;
  };
  const servers = async () => nameservers(await machine.read(RESOLV_CONF));
  await until(machine, RESOLV_CONF, ADVERTISED[0]!);

  await machine.installAgent();
  await machine.sh('agent apply');
  assert.deepEqual(await servers(), NEW);
  const watch = await watchFile(machine, RESOLV_CONF);
  await Promise.all([advertised(4), machine.leased(2)]);
  const { wrongMs, emptyMs, absentMs } = await watch.stop();
  assert.deepEqual({ wrongMs, emptyMs, absentMs }, { wrongMs: 0, emptyMs: 0, absentMs: 0 });

  await machine.reboot();
  await until(machine, '/run/rdnssd/resolv.conf', ADVERTISED[0]!);
  await Promise.all([advertised(2), machine.leased(2)]);
  assert.deepEqual(await servers(), NEW);

  await machine.sh('agent revert');
  assert.equal(await machine.sh('dpkg --verify rdnssd isc-dhcp-client'), '');
  await until(machine, RESOLV_CONF, ADVERTISED[0]!);
});
