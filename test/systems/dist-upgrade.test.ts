/** Debian 12 becomes Debian 13 while it runs: held through the upgrade, and from the first second of the first boot after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { watchPings } from '../parts/lab/watch.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { askedSinceBoot, prepareFirstSecond } from './first-second.ts';
import { Machine, unavailable } from './machine.ts';

const skip = unavailable();
const HELD = [NEW.map((one) => `nameserver ${one}`).join(' ')];
/** The package's own file wins over one that was edited, which is the worse case. */
const UPGRADE =
  'DEBIAN_FRONTEND=noninteractive apt-get -qy --no-download -o Dpkg::Options::=--force-confnew dist-upgrade';

const CLIENTS = {
  dhclient: { packages: [], files: {}, setup: ':' },
  'systemd-networkd': {
    packages: ['systemd-resolved'],
    files: networkdFiles('[Network]\nDHCP=yes\n'),
    setup: NETWORKD_SETUP,
  },
} as const;

for (const [client, { packages, files, setup }] of Object.entries(CLIENTS)) {
  test(`dist-upgrade: a host with ${client} is held from Debian 12 to 13`, { skip }, async (t) => {
    await using machine = await Machine.boot({
      release: 'bookworm',
      next: 'trixie',
      packages,
      files: {
        '/etc/holdfast/agent.yaml': `dns: { search: [dev.example.com], nameservers: [${NEW.join(', ')}] }\n`,
        ...files,
      },
      setup,
      dhcp: {
        lease: 20,
        renewEvery: 2,
        offers: `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`,
      },
    });
    const systemd = async () => /\d+/.exec(await machine.sh('systemctl --version'))?.[0];
    assert.equal(await systemd(), '252');
    await machine.installAgent();
    await prepareFirstSecond(machine);
    await machine.sh('agent apply; systemctl start poll');
    assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    await machine.sh(UPGRADE);
    await machine.leased(2);
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${lost} pings of 10 ms lost during the upgrade, ${answered} answered`);
    assert.equal(await systemd(), '257');
    assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD, 'during the upgrade');
    await machine.reboot();
    await machine.leased(2);
    assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD, 'after the boot');
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);
  });
}
