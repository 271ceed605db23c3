/** Routes that the undo of a trial cannot make again: what is there in their place stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';

const skip = unavailable({});

/** Prints the snapshot, or what an undo says of the snapshot that it is given. */
const PROGRAM = `
const [repository, kept] = process.argv.slice(1);
const { defaultsSnapshot, putBackDefaults } = await import(repository + '/agent/resources/egress/snapshot.ts');
const { Host } = await import(repository + '/agent/host/host.ts');
const host = new Host();
console.log(kept ? await putBackDefaults(host, JSON.parse(kept), true) : JSON.stringify(await defaultsSnapshot(host)));
`;

test('restore routes: the gateway of a new lease stays if the former gateway cannot be reached any more', {
  skip,
}, async () => {
  await using host = await LabHost.create({ interfaces: 1 });
  const run = async (...more: string[]) => {
    const { stdout } = await host.run([process.execPath, '--input-type=module', '-e', PROGRAM, REPOSITORY, ...more]);
    return stdout.trim();
  };
  await host.sh(
    `ip link set eth0 up; ip addr add 10.60.0.2/24 dev eth0
     ip route add default via 10.60.0.1 proto dhcp metric 100`,
  );
  const kept = await run();
  await host.sh(
    `ip addr flush dev eth0; ip addr add 10.62.0.2/24 dev eth0
     ip route add default via 10.62.0.1 proto dhcp metric 100`,
  );
  assert.match(await run(kept), /the kernel refuses .*ENETUNREACH/);
  assert.match(await host.sh('ip route'), /^default via 10\.62\.0\.1 dev eth0 proto dhcp metric 100/m);
  await host.sh(`ip addr add 10.60.0.2/24 dev eth0`);
  assert.equal(await run(kept), 'null');
  assert.match(await host.sh('ip route'), /^default via 10\.60\.0\.1 dev eth0 proto dhcp metric 100/m);
  assert.doesNotMatch(await host.sh('ip route'), /10\.62\.0\.1/);
});
