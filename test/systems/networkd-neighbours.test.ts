/**
 * Who else makes systemd-networkd's files: netplan, cloud-init, and the steps of Amazon's ec2-net-utils. Their names change, their
 * files come while the host boots, and they reload.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { watchPings } from '../parts/lab/watch.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { until } from './clients.ts';
import { askedSinceBoot, prepareFirstSecond } from './first-second.ts';
import { Machine, unavailable } from './machine.ts';
import { NETPLAN_PACKAGES } from './netplan-packages.ts';

const skip = unavailable();
const KEPT = '/var/lib/holdfast/networkd';
const NETPLAN = '/etc/netplan/50-lan.yaml';
const HELD = [NEW.map((server) => `nameserver ${server}`).join(' ')];
/** A machine has no udevd and may not write to /sys, so the trigger at the end of `netplan apply` would fail. */
const UDEVADM = '#!/bin/sh\n[ "$1" = trigger ] || exec /usr/bin/udevadm "$@"\n';
const DHCP = {
  lease: 20,
  renewEvery: 2,
  offers: `option domain-name-servers ${OLD.join(', ')}; option domain-name "old.example.com";`,
};
const CLOUD_OFF = { '/etc/cloud/cloud-init.disabled': '' };

interface Scene {
  readonly files: Readonly<Record<string, string>>;
  /** A shell script before the first boot. */
  readonly setup?: string;
}

async function boot({ files, setup = '' }: Scene): Promise<Machine> {
  return Machine.boot({
    release: 'bookworm',
    packages: NETPLAN_PACKAGES,
    files: {
      '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
      '/etc/holdfast/agent.yaml': `dns: { search: [dev.example.com], nameservers: [${NEW.join(', ')}] }\n`,
      '/usr/local/bin/udevadm': UDEVADM,
      ...files,
    },
    setup: `chmod 755 /usr/local/bin/udevadm
      systemctl enable systemd-networkd systemd-resolved
      ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf\n${setup}`,
    dhcp: DHCP,
  });
}

async function servers(machine: Machine): Promise<string[]> {
  return (await machine.sh('resolvectl dns eth0'))
    .trim()
    .replace(/^.*?: ?/, '')
    .split(' ');
}

/** How many pings of 10 ms are lost until the link has its lease again. */
async function pingsLost(machine: Machine, command: string): Promise<number> {
  const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
  await machine.sh(command);
  await machine.leased(1);
  return (await pings.stop()).lost;
}

/**
 * `netplan apply` reloads systemd-networkd and reconfigures the link right after. If the reload's lease comes just before
 * that, systemd-networkd 252 leaves the link without its IPv4 address until systemd-networkd starts again, with and without
 * Holdfast. Hence no server answers until both are over. Returns the next one.
 */
async function netplanApply(machine: Machine, server: DhcpServer): Promise<DhcpServer> {
  await server.stop();
  await machine.sh('netplan apply');
  const next = await startDhcpServer(machine.outside, DHCP);
  await machine.sh(`timeout 60 sh -c 'until ip -4 addr show dev eth0 | grep -q 10.77.0.100/; do sleep 0.1; done'`);
  return next;
}

const plan = (id: string, key: string) => `network:
  version: 2
  renderer: networkd
  ethernets: { ${id}: { ${key}, dhcp4: true } }
`;

test('netplan: held through apply, another id, and a boot with an id that nobody applied', { skip }, async (t) => {
  await using machine = await boot({ files: { [NETPLAN]: plan('eth0', 'optional: true'), ...CLOUD_OFF } });
  await machine.installAgent();
  await prepareFirstSecond(machine, { daemon: true });
  assert.deepEqual(await servers(machine), OLD, 'control');
  const before = await pingsLost(machine, 'netplan generate; networkctl reload');
  await machine.sh('agent apply; systemctl start poll');
  assert.deepEqual(await servers(machine), NEW);
  const after = await pingsLost(machine, 'netplan generate; networkctl reload');
  t.diagnostic(`pings lost by generate and reload: ${before} without Holdfast, ${after} with it`);
  const server = await netplanApply(machine, machine.server!);
  assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD, 'while the lease is gone nobody is asked');
  assert.deepEqual(await servers(machine), NEW);
  assert.match((await machine.run(['agent', 'doctor'])).stdout, /HF-NETWORKD-RELOAD[\s\S]*netplan/);

  // The daemon follows another id.
  await machine.sh('systemctl start holdfast.service');
  await machine.write(NETPLAN, plan('lan', 'match: { name: "eth*" }'), 0o600);
  await netplanApply(machine, server);
  await until(machine, `${KEPT}/10-netplan-lan.network.d/zz-holdfast.conf`, NEW[0]);
  assert.deepEqual(await servers(machine), NEW);
  await machine.reboot();
  assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);

  // Without the daemon, and without `netplan apply`: netplan's generator makes the file of the new id at the next boot.
  await machine.sh('systemctl disable holdfast.service');
  await machine.write(NETPLAN, plan('wire', 'match: { name: "eth*" }'), 0o600);
  await machine.reboot();
  assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);
  assert.match(await machine.sh('networkctl status eth0'), /10-netplan-wire\.network/);
  assert.equal((await machine.run(['agent', 'plan'])).code, 0);
});

const SEED = '/var/lib/cloud/seed/nocloud';
const RESOLV_CONF_MODULE = `#cloud-config
manage_resolv_conf: true
resolv_conf: { nameservers: [${OLD.join(', ')}] }
unverified_modules: [resolv_conf]
cloud_config_modules: [resolv_conf]
`;

/** Forms of a clone's network, the renderer that its image has, and the file in force with them. */
const CLONES = [
  {
    form: 'version 1',
    renderer: 'netplan',
    network: 'version: 1\nconfig: [{ type: physical, name: eth0, subnets: [{ type: dhcp4 }] }]\n',
    file: '10-netplan-eth0.network',
  },
  {
    form: 'version 2',
    renderer: 'netplan',
    network: 'version: 2\nethernets: { nic0: { match: { name: "eth*" }, dhcp4: true } }\n',
    file: '10-netplan-nic0.network',
  },
  {
    form: 'version 2',
    renderer: 'networkd',
    network: 'version: 2\nethernets: { eth0: { dhcp4: true } }\n',
    file: '10-cloud-init-eth0.network',
  },
] as const;

test("cloud-init: an image's first boot is held, although its network's files come during that boot", {
  skip,
}, async (t) => {
  await using machine = await boot({
    files: { ...CLOUD_OFF, '/etc/cloud/cloud.cfg.d/90-list.cfg': 'datasource_list: [NoCloud]\n' },
  });
  await machine.installAgent();
  await prepareFirstSecond(machine);
  const clone = async (instance: string, renderer: string, network: string, userData: string) => {
    await machine.write(`${SEED}/meta-data`, `instance-id: ${instance}\n`);
    await machine.write(
      '/etc/cloud/cloud.cfg.d/91-renderer.cfg',
      `system_info: { network: { renderers: [${renderer}] } }\n`,
    );
    await machine.write(`${SEED}/user-data`, userData);
    await machine.write(`${SEED}/network-config`, network);
    await machine.sh(`rm -rf /etc/cloud/cloud-init.disabled /var/lib/holdfast
      rm -rf /etc/netplan/* /etc/systemd/network/* /etc/systemd/system/systemd-networkd.service.d`);
    await machine.reboot();
  };
  for (const { form, renderer, network, file } of CLONES) {
    await t.test(`${form} by ${renderer}`, async () => {
      await clone(`${form} ${renderer}`.replaceAll(' ', '-'), renderer, network, '#cloud-config\n{}\n');
      assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);
      assert.match(await machine.sh('networkctl status eth0'), new RegExp(file.replaceAll('.', '\\.')));
      assert.equal((await machine.run(['agent', 'plan'])).code, 0);
    });
  }
  await t.test('user data that writes resolv.conf is named, and put right by the daemon', async () => {
    await machine.sh('systemctl enable holdfast.service');
    await clone('writes', 'networkd', CLONES[2].network, RESOLV_CONF_MODULE);
    assert.match(
      await machine.sh('cat /var/log/cloud-init.log'),
      /Running module resolv_conf[\s\S]*Writing to \/etc\/resolv\.conf/,
    );
    await until(machine, '/etc/resolv.conf', 'nameserver 127.0.0.53');
    assert.deepEqual(await servers(machine), NEW);
    assert.match(
      (await machine.run(['agent', 'doctor'])).stdout,
      /HF-RESOLV-CLOUD-INIT[\s\S]*cloud-config\.txt:\d+: manage_resolv_conf: true/,
    );
  });
});

const POLICY_ROUTES = {
  '/usr/lib/systemd/network/80-ec2.network': '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n',
  '/etc/systemd/system/policy-routes@.service': `[Unit]
After=systemd-networkd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/setup-policy-routes %i start
[Install]
WantedBy=multi-user.target
`,
  '/etc/systemd/system/refresh-policy-routes@.service': `[Service]
Type=oneshot
ExecStart=/usr/bin/setup-policy-routes %i refresh
`,
  '/etc/systemd/system/refresh-policy-routes@.timer': '[Timer]\nOnActiveSec=30\nOnUnitInactiveSec=60\n',
  ...CLOUD_OFF,
};

test('ec2-net-utils: held at the first boot, when the name of the file changes and with each reload', {
  skip,
}, async (t) => {
  await using machine = await boot({ files: POLICY_ROUTES });
  await machine.copy(join(REPOSITORY, 'test/systems/setup-policy-routes.sh'), '/usr/bin/setup-policy-routes');
  await machine.sh('systemctl enable policy-routes@eth0');
  await machine.installAgent();
  await prepareFirstSecond(machine);
  await machine.reboot();
  const inForce = () => machine.sh('networkctl status eth0');
  assert.match(await inForce(), /70-eth0\.network/);
  assert.deepEqual(
    await askedSinceBoot(machine, NEW[0]),
    HELD,
    'the first boot with Holdfast, which knows no 70-eth0.network',
  );
  await machine.reboot();
  assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);

  const refresh = (secondary: string) =>
    pingsLost(machine, `echo ${secondary} >/run/secondary; systemctl start refresh-policy-routes@eth0`);
  t.diagnostic(`${await refresh('10.77.0.150')} pings lost by its reload, as without Holdfast`);
  assert.match(await machine.sh('ip -4 addr show dev eth0'), /10\.77\.0\.150\/32/);
  await machine.sh('/usr/bin/setup-policy-routes eth0 remove');
  await machine.leased(1);
  assert.match(await inForce(), /80-ec2\.network/);
  assert.deepEqual(await askedSinceBoot(machine, NEW[0]), HELD);
  assert.deepEqual(await servers(machine), NEW);
  // As tailscaled tells systemd-resolved of its own link, where that answers.
  await machine.sh(`ip link add tailscale0 type veth peer name far0; ip addr add 100.64.0.1/32 dev tailscale0; ip link set tailscale0 up
    resolvectl dns tailscale0 100.100.100.100; resolvectl domain tailscale0 tail0123.ts.net '~0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa'`);
  assert.match(await machine.sh('agent apply'), /as wanted|changed/);
  assert.match(await machine.sh('agent apply'), /as wanted/);
  assert.match(
    await machine.sh('resolvectl dns tailscale0; resolvectl domain tailscale0'),
    /100\.100\.100\.100[\s\S]*tail0123/,
  );
  assert.deepEqual(await servers(machine), NEW);
  assert.match(
    (await machine.run(['agent', 'doctor'])).stdout,
    /HF-NETWORKD-RELOAD[\s\S]*setup-policy-routes:\d+: refresh-policy-routes@\.timer starts/,
  );
});
