/** A host moves from dhclient to another client: held from the first second of its first boot, with the daemon and without. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTION, PROFILE } from '../parts/lab/networkmanager.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { PACKAGES } from './clients.ts';
import { askedSinceBoot, firstApply, prepareFirstSecond } from './first-second.ts';
import { Machine, unavailable } from './machine.ts';
import { NETPLAN_PACKAGES } from './netplan-packages.ts';

const skip = unavailable();
const LOOPBACK = `printf 'auto lo\\niface lo inet loopback\\n' >/etc/network/interfaces`;
const STUB = 'ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf';
/** Debian's cloud-init depends on dhclient. */
const REMOVAL = 'dpkg --remove $(dpkg-query -Wf "\\${Package} " cloud-init 2>/dev/null) isc-dhcp-client';
/** A machine has no udevd that could name its interfaces, for which dhcpcd would wait. */
const BY_CLIENTS = `sed -i '1i nodev\\nnoarp\\nnodelay' /etc/dhcpcd.conf; systemctl disable dhcpcd NetworkManager`;

interface Migration {
  readonly to: string;
  readonly packages: readonly string[];
  /** Before the first boot. */
  readonly setup: string;
  /** What its operator does before the reboot. */
  readonly migrate: string;
  /** Files that the operator writes before the reboot. */
  readonly files?: Readonly<Record<string, string>>;
  /** Exit status of \`agent apply\` before: where resolv.conf is a link without links to tell, nothing is applied. */
  readonly code: number;
}

const MIGRATIONS: readonly Migration[] = [
  {
    to: 'systemd-networkd behind a link that was there',
    packages: NETPLAN_PACKAGES,
    setup: `systemctl enable systemd-resolved; ${STUB}`,
    files: { '/etc/systemd/network/10-lan.network': '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n' },
    migrate: 'systemctl enable systemd-networkd',
    code: 4,
  },
  {
    to: 'systemd-networkd by netplan, with systemd-resolved',
    packages: NETPLAN_PACKAGES,
    setup: 'systemctl disable systemd-resolved; rm -f /etc/resolv.conf; : >/etc/resolv.conf',
    files: {
      '/etc/netplan/50-lan.yaml': 'network: { version: 2, renderer: networkd, ethernets: { eth0: { dhcp4: true } } }\n',
    },
    migrate: `chmod 600 /etc/netplan/*; systemctl enable systemd-networkd systemd-resolved; ${STUB}`,
    code: 0,
  },
  {
    to: 'dhcpcd',
    packages: PACKAGES.bookworm,
    setup: BY_CLIENTS,
    migrate: 'systemctl enable dhcpcd',
    code: 0,
  },
  {
    to: 'NetworkManager',
    packages: PACKAGES.bookworm,
    setup: BY_CLIENTS,
    files: { [PROFILE]: CONNECTION },
    migrate: 'chmod -R go= /etc/NetworkManager/system-connections; systemctl enable NetworkManager',
    code: 0,
  },
];

const DAEMON = { without: false, with: true } as const;

for (const { to, packages, setup, files = {}, migrate, code } of MIGRATIONS) {
  for (const [word, daemon] of Object.entries(DAEMON)) {
    test(`bookworm: from dhclient to ${to}, ${word} the daemon: the first boot asks our name servers only`, {
      skip,
    }, async () => {
      const offers = `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`;
      await using machine = await Machine.boot({
        release: 'bookworm',
        packages,
        setup,
        files: {
          '/etc/holdfast/agent.yaml': `dns: { search: [dev.example.com], nameservers: [${NEW.join(', ')}] }\n`,
          '/etc/cloud/cloud-init.disabled': '',
        },
        dhcp: { lease: 20, renewEvery: 2, offers },
      });
      await machine.installAgent();
      await prepareFirstSecond(machine, { daemon });
      assert.equal((await machine.run(['agent', 'apply'])).code, code);
      for (const [file, text] of Object.entries(files)) await machine.write(file, text);
      await machine.sh(`${LOOPBACK}; ${REMOVAL}\n${migrate}`);
      const hooks = () => machine.sh('find /etc/dhcp -name "*holdfast*"');
      // The dhclient that still runs keeps its hooks. Behind the link of another program it never had any.
      assert.equal((await hooks()) !== '', code === 0);
      await machine.reboot();
      await machine.leased(2);
      assert.deepEqual(await askedSinceBoot(machine, NEW[0]), [NEW.map((one) => `nameserver ${one}`).join(' ')]);
      const journal = await firstApply(machine);
      assert.match(journal, /Finished holdfast-apply/);
      assert.doesNotMatch(journal, /set dns\.symlink/);
      assert.equal((await machine.run(['agent', 'plan'])).code, 0);
      assert.equal(await hooks(), '', 'the apply of the boot took the orphans away');
    });
  }
}
