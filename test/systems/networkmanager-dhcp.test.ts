/** `dhcp:` on booted Debian whose NetworkManager takes the lease: through a reboot, and back by revert. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTION, PROFILE } from '../parts/lab/networkmanager.ts';
import { watchPings } from '../parts/lab/watch.ts';
import { bootWith, RELEASES } from './clients.ts';
import { type Machine, unavailable } from './machine.ts';

const skip = unavailable();
const client = { unit: 'NetworkManager', lease: 20, files: { [PROFILE]: CONNECTION } } as const;
const YAML = 'dhcp: { supersede: { interface-mtu: 1400 }, ignore: [routers, classless-routes] }\n';

async function lease(machine: Machine, setting: string): Promise<{ state: string; reason?: string }> {
  const { settings } = JSON.parse(await machine.sh('agent status --json || true'));
  return settings.find((one: { setting: string }) => one.setting === setting).moments.lease;
}

const network = async (machine: Machine) =>
  (await machine.sh('cat /sys/class/net/eth0/mtu; ip -4 route show default')).trim().replace(/ proto.*/, '');

for (const release of RELEASES) {
  test(`${release}: MTU and ignored routes hold from the first lease after a reboot; revert`, { skip }, async (t) => {
    await using machine = await bootWith(release, client);
    assert.equal(await network(machine), '1500\ndefault via 10.77.0.1 dev eth0', 'the control');
    const before = await machine.read(PROFILE);
    await machine.write('/etc/holdfast/agent.yaml', YAML);
    const pings = await watchPings(machine, '10.77.0.1', 'host');
    await machine.sh('agent apply');
    assert.match(await machine.sh('agent apply'), /as wanted|skipped/, 'the second one changes nothing');
    const { state, reason = '' } = await lease(machine, 'dhcp.ignore');
    assert.match(`${state}: ${reason}`, /^unknown: pending until the next activation of eth0/);
    await machine.leased(2);
    assert.equal(await network(machine), '1400\ndefault via 10.77.0.1 dev eth0', 'the running device is left alone');
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.equal(lost, 0);

    await machine.reboot();
    await machine.sh("timeout 60 sh -c 'until ip -4 addr show dev eth0 | grep -q inet; do sleep 0.1; done'");
    assert.equal(await network(machine), '1400');
    for (const setting of ['dhcp.ignore', 'dhcp.supersede.interface-mtu'])
      assert.equal((await lease(machine, setting)).state, 'ok', setting);

    await machine.sh('agent revert');
    assert.equal(await machine.read(PROFILE), before);
    await machine.sh('ip link set eth0 mtu 1500; nmcli --wait 60 connection up eth0');
    assert.equal(await network(machine), '1500\ndefault via 10.77.0.1 dev eth0');
  });
}
