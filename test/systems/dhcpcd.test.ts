/**
 * dhcpcd takes the lease, as Debian's service has it: in a sandbox that may write resolv.conf in place and nothing else of /etc,
 * and loses even that when somebody renames another file over it (docs/clients.md).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW, nameservers } from '../parts/lab/scene.ts';
import { bootWith, heldOn, moveServers, RELEASES, until } from './clients.ts';
import { unavailable } from './machine.ts';

const skip = unavailable();
const client = { unit: 'dhcpcd', lease: 20, renewEvery: 2 } as const;

for (const release of RELEASES) {
  test(`${release}: held now, through leases and a reboot, without a packet lost; revert`, { skip }, async (t) => {
    await using machine = await bootWith(release, client);
    t.diagnostic((await machine.sh('dhcpcd --version')).split('\n')[0]!);
    await heldOn(machine, client, t, () => machine.sh('systemctl restart dhcpcd'));
  });
}

test('trixie: what is left open follows the lease again from the next start of dhcpcd on', { skip }, async () => {
  await using machine = await bootWith('trixie', client);
  await machine.write('/etc/holdfast/agent.yaml', `dns: { nameservers: [${NEW.join(', ')}] }\n`);
  await machine.sh('agent apply');
  await machine.leased(2, await moveServers(machine, client, { servers: ['10.77.0.31'], domain: 'later.example.com' }));
  assert.match(await machine.read('/etc/resolv.conf'), /old\.example\.com/);
  await machine.sh('systemctl restart dhcpcd');
  await until(machine, '/etc/resolv.conf', 'later.example.com');
  assert.deepEqual(nameservers(await machine.read('/etc/resolv.conf')), NEW);
});
