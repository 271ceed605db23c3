/** `dhcp` with Debian's dhcpcd as a service: in its sandbox, through leases, a restart by another program and a reboot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchPings } from '../parts/lab/watch.ts';
import { bootWith, RELEASES } from './clients.ts';
import { type Machine, unavailable } from './machine.ts';

const skip = unavailable();
const client = { unit: 'dhcpcd', lease: 60, renewEvery: 2 } as const;

const YAML = `dhcp:
  supersede: { ntp-servers: [10.34.56.80], interface-mtu: 1300 }
  ignore: [routers]
`;

/** What hooks that come later are given; Debian's sandbox lets them write in this folder. */
const WITNESS = `case "$reason" in BOUND | RENEW | REBIND | REBOOT)
    echo "\${new_ntp_servers-none} \${old_ntp_servers-none} \${new_routers-none}" >>/run/dhcpcd/given ;;
esac
`;

const given = async (machine: Machine) => (await machine.read('/run/dhcpcd/given')).trim().split('\n').at(-1);
const routes = (machine: Machine) => machine.sh('ip -4 route');
const states = async (machine: Machine) => {
  const { settings } = JSON.parse((await machine.run(['agent', 'status', '--json'])).stdout);
  type Moments = Record<string, { state: string; reason?: string }>;
  const all = settings as { setting: string; moments: Moments }[];
  return Object.fromEntries(all.map(({ setting, moments }) => [setting, moments]));
};

for (const release of RELEASES) {
  test(`${release}: dhcp held by the hook at once, by dhcpcd from its next start; revert`, { skip }, async (t) => {
    await using machine = await bootWith(release, client);
    t.diagnostic((await machine.sh('dhcpcd --version')).split('\n')[0]!);
    const conf = await machine.read('/etc/dhcpcd.conf');
    await machine.write('/etc/dhcpcd.exit-hook', WITNESS);
    await machine.write('/etc/holdfast/agent.yaml', YAML);
    await machine.leased(2);
    assert.equal(await given(machine), 'none none 10.77.0.1', 'control');
    const address = /inet (\S+?)\//.exec(await machine.sh('ip -4 -o addr show dev eth0'))![1]!;
    const pings = await Promise.all([
      watchPings(machine.outside, address, 'server'),
      watchPings(machine, '10.77.0.1', 'host'),
    ]);
    const before = await routes(machine);
    await machine.sh('agent apply');
    await machine.leased(3);
    assert.equal(await given(machine), '10.34.56.80 10.34.56.80 none');
    assert.equal(await routes(machine), before, 'dhcpcd keeps its routes');
    const waiting = await states(machine);
    for (const setting of ['dhcp.ignore', 'dhcp.supersede.interface-mtu']) {
      assert.match(waiting[setting]!.lease!.reason ?? '', /^pending until the next start of dhcpcd/, setting);
      assert.equal(waiting[setting]!.boot!.state, 'ok', setting);
    }
    const seen = await Promise.all(pings.map((one) => one.stop()));
    t.diagnostic(`${seen.map(({ answered }) => answered).join(' + ')} pings answered`);
    assert.deepEqual(
      seen.map(({ lost }) => lost),
      [0, 0],
    );

    await machine.reboot();
    await machine.leased(2);
    assert.equal(await given(machine), '10.34.56.80 10.34.56.80 none');
    assert.match(await routes(machine), /^10\.77\.0\.0\/24 dev eth0 .*mtu 1300/m);
    assert.doesNotMatch(await routes(machine), /^default/m);
    const then = await states(machine);
    assert.equal(then['dhcp.ignore']!.lease!.state, 'ok');

    const { code, stdout, stderr } = await machine.run(['agent', 'revert']);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await machine.read('/etc/dhcpcd.conf'), conf);
    await machine.sh('systemctl restart dhcpcd');
    await machine.leased(2);
    assert.match(await routes(machine), /^default via 10\.77\.0\.1/m);
    assert.equal(await given(machine), 'none none 10.77.0.1');
  });
}
