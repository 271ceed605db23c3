/** A host moves from dhclient to another client: held from the first second of its first boot, also if the daemon does not run. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { until } from './clients.ts';
import { Machine, unavailable } from './machine.ts';

const skip = unavailable();
/** From before the network on: the servers that libc or systemd-resolved would ask, one line for each change. */
const POLL = `[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=/bin/sh -c 'while :; do \\
  now=$$(grep -hs ^nameserver /etc/resolv.conf /run/systemd/resolve/resolv.conf | grep -v 127.0.0.53 | tr "\\\\n" " "); \\
  [ "$$now" = "$$last" ] || echo "$$now"; last=$$now; sleep 0.01; done >/polled'
[Install]
WantedBy=sysinit.target
`;
const LOOPBACK = `printf 'auto lo\\niface lo inet loopback\\n' >/etc/network/interfaces`;

interface Migration {
  readonly to: string;
  readonly packages: readonly string[];
  /** Before the first boot. */
  readonly setup: string;
  /** What its operator does before the reboot. */
  readonly migrate: string;
  /** Exit status of \`agent apply\` before: where resolv.conf is a link without links to tell, nothing is applied. */
  readonly code: number;
}

const MIGRATIONS: readonly Migration[] = [
  {
    to: 'systemd-networkd',
    packages: ['systemd-resolved'],
    setup: 'systemctl enable systemd-resolved; ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf',
    migrate: `printf '[Match]\\nName=eth0\\n\\n[Network]\\nDHCP=yes\\n' >/etc/systemd/network/10-lan.network
      systemctl enable systemd-networkd`,
    code: 4,
  },
  {
    to: 'dhcpcd',
    packages: ['dhcpcd', 'libpam-systemd', 'network-manager'],
    setup: `sed -i '1i nodev\\nnoarp\\nnodelay' /etc/dhcpcd.conf; systemctl disable dhcpcd NetworkManager`,
    migrate: 'dpkg --remove isc-dhcp-client; systemctl enable dhcpcd',
    code: 0,
  },
];

for (const { to, packages, setup, migrate, code } of MIGRATIONS) {
  test(`bookworm: from dhclient to ${to}: the first boot asks our name servers only`, { skip }, async () => {
    const offers = `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`;
    await using machine = await Machine.boot({
      release: 'bookworm',
      packages,
      setup,
      files: {
        '/etc/holdfast/agent.yaml': `dns: { search: [dev.example.com], nameservers: [${NEW.join(', ')}] }\n`,
        '/etc/systemd/system/poll.service': POLL,
      },
      dhcp: { lease: 20, renewEvery: 2, offers },
    });
    await machine.installAgent();
    const unit = 'holdfast-apply.service';
    await machine.copy(join(REPOSITORY, 'units', unit), `/etc/systemd/system/${unit}`, 0o644);
    assert.equal((await machine.run(['agent', 'apply'])).code, code);
    await machine.sh(`systemctl enable poll ${unit}; ${LOOPBACK}\n${migrate}`);
    await machine.reboot();
    await until(machine, '/polled', NEW[0]);
    await machine.leased(2);
    const polled = (await machine.read('/polled'))
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    assert.deepEqual(
      [...new Set(polled.map((line) => line.trim()))],
      [NEW.map((one) => `nameserver ${one}`).join(' ')],
    );
    const journal = await machine.journal(unit);
    assert.match(journal, /Finished holdfast-apply/);
    assert.doesNotMatch(journal, /set dns\.symlink/);
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);
  });
}
