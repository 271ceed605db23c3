/** NetworkManager takes the lease, as Debian's service has it. */
import { test } from 'node:test';
import { CONNECTION, PROFILE } from '../parts/lab/networkmanager.ts';
import { bootWith, heldOn, RELEASES } from './clients.ts';
import { unavailable } from './machine.ts';

const skip = unavailable();
const client = {
  unit: 'NetworkManager',
  lease: 4,
  files: { [PROFILE]: CONNECTION },
} as const;

for (const release of RELEASES) {
  test(`${release}: held now, through leases and a reboot, without a packet lost; revert`, { skip }, async (t) => {
    await using machine = await bootWith(release, client);
    t.diagnostic(await machine.sh('NetworkManager --version'));
    await heldOn(machine, client, t);
  });
}
