/** `dhcp.restart: whenSafe` with systemd-networkd: restarted where nothing is lost, and otherwise left alone, with the reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DhcpOptions, startDhcpServer } from '../parts/lab/dhcp.ts';
import { watchFile, watchPings } from '../parts/lab/watch.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const skip = unavailable();
const OFFER = {
  lease: 20,
  renewEvery: 4,
  offers: 'option domain-name-servers 10.77.0.11; option ntp-servers 10.77.0.13; option interface-mtu 1400;',
};
/** libc reads the file of Holdfast. */
const DNS = 'dns: { nameservers: [10.34.56.78], symlink: replace }\n';
const dhcp = (more: string) => `dhcp: { restart: whenSafe, ${more} }\n`;
const MTU = dhcp('request: { also: [interface-mtu] }');

async function boot(
  release: 'bullseye' | 'bookworm' | 'trixie',
  config: string,
  offer: DhcpOptions = OFFER,
): Promise<Machine> {
  return Machine.boot({
    release,
    packages: release === 'bullseye' ? [] : ['systemd-resolved'],
    files: {
      ...networkdFiles('[Network]\nDHCP=ipv4\n'),
      '/etc/holdfast/agent.yaml': config,
    },
    setup: NETWORKD_SETUP,
    dhcp: offer,
    async ready(machine) {
      await machine.installAgent();
      await machine.sh(
        "timeout 60 sh -c 'until grep -qx ADMIN_STATE=configured /run/systemd/netif/links/*; do sleep 0.1; done'",
      );
    },
  });
}

/** systemd 252 makes the route to its own network anew, with another metric. */
const routes = async (machine: Machine) =>
  (await machine.sh('ip -4 route show')).replace(/^(.* proto kernel .*?)( metric \d+)? *$/gm, '$1');

/** What `apply` says of the restart, and whether another systemd-networkd runs afterwards. */
async function apply(machine: Machine, config?: string) {
  if (config !== undefined) await machine.write('/etc/holdfast/agent.yaml', config);
  const pid = () => machine.sh('systemctl show --property=MainPID --value systemd-networkd');
  const before = await pid();
  const { stdout } = await machine.run(['agent', 'apply', '--json']);
  const outcomes = JSON.parse(stdout).outcomes as { resource: string; result: string; reason: string }[];
  const { result, reason } = outcomes.find(({ resource }) => resource === 'restart') ?? {};
  return { result, reason: reason ?? '', isNew: (await pid()) !== before };
}

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${release}: networkd is started again where nothing is lost: no ping, no name server, no route`, {
    skip,
  }, async (t) => {
    await using machine = await boot(release, MTU);
    const early = await apply(machine);
    assert.deepEqual([early.result, early.isNew], ['skipped', false]);
    assert.match(early.reason, /systemd-resolved would have no name servers .* with dns\.symlink: replace/);

    await machine.write('/etc/holdfast/agent.yaml', DNS);
    await machine.sh('agent apply');
    const before = await routes(machine);
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    const names = await watchFile(machine, '/etc/resolv.conf');
    const made = await apply(machine, DNS + MTU);
    assert.deepEqual([made.result, made.isNew], ['changed', true], made.reason);
    assert.match(made.reason, /started again for dhcp\.request\.also; addresses and routes are as before/);
    const { wrongMs, emptyMs, absentMs } = await names.stop();
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.deepEqual({ lost, wrongMs, emptyMs, absentMs }, { lost: 0, wrongMs: 0, emptyMs: 0, absentMs: 0 });
    assert.match(await machine.sh('ip link show eth0'), /mtu 1400/);
    assert.equal(await routes(machine), before);
    assert.equal((await apply(machine)).result, undefined, 'nothing is pending');
  });

  test(`${release}: networkd is left alone at a silent server, at routes of others and at ignored routes`, {
    skip,
  }, async () => {
    await using machine = await boot(release, DNS + dhcp('ignore: [routers]'));
    const why = async (more?: string) => {
      const { result, reason, isNew } = await apply(machine, more === undefined ? undefined : DNS + dhcp(more));
      assert.deepEqual([result, isNew], ['skipped', false], reason);
      return reason;
    };
    assert.match(await why(), /dhcp\.ignore a new start may remove routes of the present lease/);
    await machine.sh('ip route add 10.55.0.0/16 via 10.77.0.1');
    assert.match(await why('request: { also: [interface-mtu] }'), /route 10\.55\.0\.0\/16 via 10\.77\.0\.1/);
    await machine.sh('ip route del 10.55.0.0/16; ip rule add from 10.55.0.1 lookup 55');
    assert.match(await why(), /routing rule .*lookup 55/);
    await machine.sh('ip rule del from 10.55.0.1 lookup 55');
    await machine.server!.stop();
    assert.match(await why(), /no DHCP server answers on eth0/);
    assert.match(await why(), /no DHCP server answers on eth0|eth0 is not configured now/, 'the lease ends meanwhile');
    const server = await startDhcpServer(machine.outside, OFFER);
    await machine.leased(1, server);
    const { result, reason } = await apply(machine);
    assert.equal(result, 'changed', reason);
  });
}

/** How often systemd has started systemd-networkd since the boot. */
const starts = async (machine: Machine) =>
  Number(
    await machine.sh('journalctl --boot --unit=systemd-networkd --output=cat | grep -c "^Started systemd-networkd"'),
  );

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${release}: the sandboxed daemon starts networkd again once, where nothing is lost`, { skip }, async (t) => {
    // The lease outlives the time without a server, on a slow machine also.
    const offer = { ...OFFER, lease: 120 };
    await using machine = await boot(release, DNS, offer);
    await installService(machine);
    await machine.sh('systemctl start holdfast');
    // The daemon pauses for a minute after each look.
    const journal = journalOf(machine, 'holdfast.service', 180_000);
    await journal.until(/"holdfast\.start"/);
    const before = { routes: await routes(machine), starts: await starts(machine) };
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    const names = await watchFile(machine, '/etc/resolv.conf');

    await machine.server!.stop();
    await machine.write('/etc/holdfast/agent.yaml', DNS + MTU);
    await machine.sh('systemctl reload holdfast');
    assert.match(
      await journal.until(/holdfast\.networkd\./),
      /no DHCP server answers on eth0.*holdfast\.networkd\.pending/,
    );
    assert.equal(await starts(machine), before.starts);

    await startDhcpServer(machine.outside, offer);
    await machine.sh('networkctl renew eth0');
    const said = await journal.until(/holdfast\.networkd\.restart/);
    assert.match(
      said,
      /started again for dhcp\.request\.also; addresses and routes are as before.*networkd\.restarted"/,
    );
    const { wrongMs, emptyMs, absentMs } = await names.stop();
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.deepEqual({ lost, wrongMs, emptyMs, absentMs }, { lost: 0, wrongMs: 0, emptyMs: 0, absentMs: 0 });
    assert.match(await machine.sh('ip link show eth0'), /mtu 1400/);
    assert.equal(await routes(machine), before.routes);
    assert.equal(await starts(machine), before.starts + 1);
    assert.equal((await machine.sh('systemctl list-units --all --plain --no-legend "run-*.service"')).trim(), '');
  });
}

test('bookworm: a restart that brought nothing into force is not repeated, by the daemon or by apply', {
  skip,
}, async () => {
  await using machine = await boot('bookworm', DNS);
  await machine.sh('agent apply');
  // Another author's drop-in takes the line back that copies Holdfast's files.
  await machine.write('/etc/systemd/system/systemd-networkd.service.d/zz-local.conf', '[Service]\nExecStartPre=\n');
  const first = await apply(machine, DNS + MTU);
  assert.deepEqual([first.result, first.isNew], ['changed', true], first.reason);
  const again = await apply(machine);
  assert.deepEqual([again.result, again.isNew], ['skipped', false]);
  assert.match(again.reason, /a restart for this was tried already; not again for 60 min/);
  const before = await starts(machine);
  await installService(machine);
  await machine.sh('systemctl start holdfast');
  const journal = journalOf(machine, 'holdfast.service');
  assert.match(await journal.until(/holdfast\.networkd\./), /tried already.*holdfast\.networkd\.pending/);
  assert.equal(await starts(machine), before);
});

test('bullseye: networkd is never started again: systemd 247 gives up its address', { skip }, async () => {
  await using machine = await boot('bullseye', DNS + MTU);
  const { result, reason, isNew } = await apply(machine);
  assert.deepEqual([result, isNew], ['skipped', false]);
  assert.match(reason, /only with systemd 252 and 257 a restart .* this host has 247/);
});
