/** Rehearsals of NetworkManager on booted Debian: what is foretold of a reload, a restart and a reboot comes so, as its service does it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameTrue, foretell, foretellBoot } from '../parts/lab/foretell.ts';
import { CONNECTION, PROFILE } from '../parts/lab/networkmanager.ts';
import { EDITED_PROFILE } from '../parts/lab/networkmanager-events.ts';
import { NEW, nameservers, OLD, WANTED_RESOLV_CONF } from '../parts/lab/scene.ts';
import { bootWith, RELEASES } from './clients.ts';
import { type Machine, unavailable } from './machine.ts';

const skip = unavailable();
const client = { unit: 'NetworkManager', lease: 600, files: { [PROFILE]: CONNECTION } } as const;

const HAPPENS: Readonly<Record<string, (machine: Machine) => Promise<unknown>>> = {
  RELOAD: (machine) => machine.sh('systemctl reload NetworkManager; nmcli connection reload'),
  REAPPLY: (machine) => machine.sh('nmcli connection reload; nmcli device reapply eth0'),
  REBOOT: (machine) => machine.sh('systemctl restart NetworkManager; nm-online -qx -t 30 || nm-online -q -t 30'),
  boot: (machine) => machine.reboot(),
};

for (const release of RELEASES) {
  test(`${release}: NetworkManager’s reload, reapply, restart and boot are foretold`, { skip }, async (t) => {
    await using machine = await bootWith(release, client);
    t.diagnostic(await machine.sh('NetworkManager --version'));
    for (const [event, happen] of Object.entries(HAPPENS)) {
      // By hand, as before the outage: NetworkManager reads neither until the event.
      await machine.write('/etc/resolv.conf', WANTED_RESOLV_CONF);
      if (event === 'RELOAD') await machine.write(PROFILE, EDITED_PROFILE, 0o600);
      const foretold = await (event === 'boot' ? foretellBoot(machine) : foretell(machine, event));
      const servers = event === 'RELOAD' ? OLD : NEW;
      assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), servers, event);
      await happen(machine);
      await machine.sh(
        `timeout 60 sh -c 'until grep -q Generated /etc/resolv.conf && ip -4 route show default | grep -q .; do sleep 0.1; done'; sleep 1`,
      );
      await cameTrue(machine, foretold);
    }
    assert.equal((await machine.run(['agent', 'apply'])).code, 0);
    const held = await foretellBoot(machine);
    assert.equal(held.code, 0, held.problems.join('\n'));
    await machine.reboot();
    await machine.sh("timeout 60 sh -c 'until ip -4 route show default | grep -q .; do sleep 0.1; done'; sleep 2");
    await cameTrue(machine, held);
  });
}
