/** A Debian that boots and takes its lease as its packages have it, by ifup and dhclient: held through renewals and a reboot. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { suites } from '../parts/lab/debian.ts';
import { AGENT_YAML, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { Machine, unavailable } from './machine.ts';

const skip = unavailable();
const dhcp = { renewEvery: 2, offers: `option domain-name-servers ${OLD.join(', ')};` };

for (const release of Object.keys(suites) as (keyof typeof suites)[]) {
  test(`${suites[release]}: apply is held through renewals, and agent run is a service`, { skip }, async () => {
    await using machine = await Machine.boot({ release, dhcp, files: { '/etc/holdfast/agent.yaml': AGENT_YAML } });
    const servers = async () => nameservers(await machine.read('/etc/resolv.conf'));
    // What the DHCP server says; dhclient-script empties the file for a moment at every renewal.
    await machine.sh(`timeout 60 sh -c 'until grep -q ${OLD[1]} /etc/resolv.conf; do sleep 0.1; done'`);
    await machine.installAgent();
    assert.match(await machine.sh('agent --version'), /^\d/);

    await machine.sh('agent apply');
    assert.deepEqual(await servers(), NEW);
    const watch = await watchFile(machine, '/etc/resolv.conf');
    await machine.leased(3);
    const { wrongMs, emptyMs, absentMs } = await watch.stop();
    assert.deepEqual({ wrongMs, emptyMs, absentMs }, { wrongMs: 0, emptyMs: 0, absentMs: 0 });

    await machine.copy(join(REPOSITORY, 'units/holdfast.service'), '/etc/systemd/system/holdfast.service', 0o644);
    await machine.sh('systemctl enable --now holdfast.service');
    await machine.reboot();
    // Type=notify: active once it has said that it is ready.
    assert.equal(await machine.sh('systemctl is-active holdfast.service'), 'active\n');
    await machine.leased();
    assert.deepEqual(await servers(), NEW);
  });
}
