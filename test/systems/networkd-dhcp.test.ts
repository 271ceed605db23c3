/** `dhcp` on booted hosts of systemd-networkd: what is held now, at leases, after a start and a boot, and what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDhcpServer } from '../parts/lab/dhcp.ts';
import { watchFile, watchPings } from '../parts/lab/watch.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { Machine, unavailable, withAgent } from './machine.ts';

const skip = unavailable();
/** They have systemd 247, 252 and 257. On Debian 11 systemd-resolved belongs to the package systemd. */
const RELEASES = { bullseye: [], bookworm: ['systemd-resolved'], trixie: ['systemd-resolved'] } as const;
type Release = keyof typeof RELEASES;
const OURS = '10.34.56.80';
const KEPT = '/var/lib/holdfast/networkd-dhcp';
const offer = (ntp: string) => ({
  lease: 20,
  renewEvery: 2,
  offers: `option domain-name-servers 10.77.0.11; option ntp-servers ${ntp}; option interface-mtu 1400;
  option rfc3442-classless-static-routes 24, 10, 99, 0, 10, 77, 0, 1, 0, 10, 77, 0, 1;`,
});
const CONFIG = `dhcp:
  supersede: { ntp-servers: [${OURS}], host-name: web1 }
  ignore: [classless-routes, routers]
  request: { also: [interface-mtu] }
`;

async function boot(release: Release): Promise<Machine> {
  return Machine.boot({
    release,
    packages: RELEASES[release],
    files: {
      ...networkdFiles('[Network]\nDHCP=ipv4\n'),
      '/etc/holdfast/agent.yaml': CONFIG,
    },
    setup: NETWORKD_SETUP,
    dhcp: offer('10.77.0.13'),
    ready: withAgent,
  });
}

/** The link's file in /run; its number differs from boot to boot. */
const linkFile = async (machine: Machine) =>
  (await machine.sh('echo /run/systemd/netif/links/$(cat /sys/class/net/eth0/ifindex)')).trim();
const timeServers = async (machine: Machine) =>
  /^NTP=(.*)$/m.exec(await machine.read(await linkFile(machine)))?.[1] ?? '';
/** Without the routes of systemd-networkd to each server that the lease names. */
const routes = async (machine: Machine) =>
  (await machine.sh('ip -4 route show')).replace(/^10\.77\.0\.\d+ dev .*\n/gm, '');

async function settings(machine: Machine): Promise<Record<string, Record<string, string>>> {
  const { stdout } = await machine.run(['agent', 'status', '--json']);
  const views = JSON.parse(stdout).settings as { setting: string; moments: Record<string, { state: string }> }[];
  return Object.fromEntries(
    views.map(({ setting, moments }) => [
      setting,
      Object.fromEntries(Object.entries(moments).map(([moment, { state }]) => [moment, state])),
    ]),
  );
}

for (const release of Object.keys(RELEASES) as Release[]) {
  test(`${release}: dhcp: control: the server's time servers and routes come with each lease`, { skip }, async () => {
    await using machine = await boot(release);
    assert.equal(await timeServers(machine), '10.77.0.13');
    assert.match(await routes(machine), /default via 10\.77\.0\.1 dev eth0/);
    assert.match(await routes(machine), /10\.99\.0\.0\/24 via 10\.77\.0\.1/);
    await machine.server!.stop();
    await machine.leased(1, await startDhcpServer(machine.outside, offer('10.77.0.14')));
    assert.equal(await timeServers(machine), '10.77.0.14');
  });

  test(`${release}: dhcp: time servers are held at once, the rest from the next start, and no ping is lost`, {
    skip,
  }, async (t) => {
    await using machine = await boot(release);
    const before = await routes(machine);
    const pings = await watchPings(machine.outside, '10.77.0.100', 'server');
    await machine.sh('agent apply; networkctl reload');
    const behind = release === 'bullseye' ? ' 10.77.0.13' : '';
    assert.equal(await timeServers(machine), `${OURS}${behind}`);
    assert.match(
      (await machine.run(['agent', 'apply'])).stdout,
      /cannot replace the option host-name .*\/etc\/hostname/,
    );
    const { 'dhcp.ignore': ignore, ...held } = await settings(machine);
    assert.deepEqual(ignore, { lease: 'unknown', boot: 'ok' }, 'pending');
    assert.equal(held['dhcp.supersede.ntp-servers']?.boot, 'ok');
    assert.deepEqual(held['dhcp.supersede.host-name'], { lease: 'unknown', boot: 'unknown' });

    const file = await linkFile(machine);
    // systemd 247 lists the server of each lease behind ours.
    const watch = behind === '' ? await watchFile(machine, file, { keyword: 'NTP' }) : null;
    await machine.server!.stop();
    const server = await startDhcpServer(machine.outside, offer('10.77.0.14'));
    await machine.leased(4, server);
    const seen = await watch?.stop();
    assert.deepEqual([seen?.wrongMs ?? 0, seen?.emptyMs ?? 0], [0, 0]);
    assert.equal((await timeServers(machine)).split(' ')[0], OURS);
    assert.equal(await routes(machine), before, 'nothing is cut off before the next start');
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.equal(lost, 0);

    await machine.reboot();
    await machine.leased(1, server);
    assert.equal(await timeServers(machine), OURS);
    assert.doesNotMatch(await routes(machine), /default|10\.99\.0\.0/);
    assert.match(await machine.sh('ip link show eth0'), /mtu 1400/);
    const { 'dhcp.supersede.host-name': _refused, ...after } = await settings(machine);
    for (const [setting, moments] of Object.entries(after)) {
      assert.deepEqual(new Set(Object.values(moments)), new Set(['ok']), setting);
    }
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);

    assert.equal((await machine.run(['agent', 'revert'])).code, 4, 'systemd-networkd has read the drop-in');
    await machine.sh('systemctl restart systemd-networkd');
    await machine.leased(1, server);
    assert.equal((await machine.run(['agent', 'revert'])).code, 0);
    assert.equal(await timeServers(machine), '10.77.0.14');
    assert.match(await routes(machine), /default via 10\.77\.0\.1/);
    const left = `find ${KEPT} /run/systemd/network /etc/systemd -name "*holdfast*" 2>/dev/null || true`;
    assert.equal(await machine.sh(left), '');
  });
}
