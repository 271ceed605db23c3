/** The canary on a throw-away host: it tells, it leaves nothing, and it keeps away from tables that are used. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { TRIAL_TABLE } from '../../agent/host/netlink/routes/trial.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';

const INSIDE = join(REPOSITORY, 'test/parts/lab/routes-inside.ts');
const SUCCESS = ['ipv4', 'ipv6'].map((type) => {
  return { kind: 'sample', metric: 'holdfast.canary.success', value: 1, attributes: { 'network.type': type } };
});

test('canary: on a host whose tables are used by others', { skip: unavailable() }, async (t) => {
  await using host = await LabHost.create();
  const run = () => host.run([process.execPath, INSIDE, 'canary']);
  const succeeds = async () => {
    const { code, stdout, stderr } = await run();
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), SUCCESS);
  };
  const routes = () => host.sh('ip -4 route show table all; ip -6 route show table all');

  await t.test('adds a route of each family and leaves none', async () => {
    const before = await routes();
    // The kernel reports every change of a route to listeners, also of a route that is gone at once.
    const monitor = host.spawn(['ip', 'monitor', 'route']);
    let told = '';
    monitor.stdout!.on('data', (chunk) => {
      told += chunk;
    });
    while (told === '') {
      await host.sh('ip route add blackhole 198.51.100.0/24; ip route del blackhole 198.51.100.0/24');
    }
    await succeeds();
    // The marker comes after all that the canary did.
    await host.sh('ip route add blackhole 203.0.113.0/24; ip route del blackhole 203.0.113.0/24');
    while (!told.includes('Deleted blackhole 203.0.113.0/24')) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.match(told, new RegExp(`^unreachable 192\\.0\\.2\\.0/24 table ${TRIAL_TABLE} proto static`, 'm'));
    assert.match(told, new RegExp(`^Deleted unreachable 2001:db8::/32 .*table ${TRIAL_TABLE}`, 'm'));
    assert.equal(await routes(), before);
  });

  await t.test('removes what was left behind', async () => {
    const before = await routes();
    await host.sh(`ip route add unreachable 192.0.2.0/24 table ${TRIAL_TABLE} proto static`);
    await succeeds();
    assert.equal(await routes(), before);
  });

  await t.test('touches no table that a rule names', async () => {
    await host.sh(`ip -6 rule add from 2001:db8:9::/48 lookup ${TRIAL_TABLE}`);
    const { code, stderr } = await run();
    assert.notEqual(code, 0);
    assert.match(stderr, /packets are looked up in table 1213156420/);
    await host.sh(`ip -6 rule del from 2001:db8:9::/48 lookup ${TRIAL_TABLE}`);
    await succeeds();
  });
});
