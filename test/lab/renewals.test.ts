/** (2) A stale dhclient renews 25 times under `agent apply`: resolv.conf is never wrong, never empty, and never even touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { apply, holds, staleHost } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';

test('renewals: 25 renewals of a stale dhclient never touch resolv.conf', { skip: unavailable() }, async (t) => {
  await using scene = await staleHost();
  const { host, client } = scene;
  await apply(host);
  const started = client.leases;

  const watch = await watchFile(host, '/etc/resolv.conf');
  await client.leased(25);
  const seen = await watch.stop();

  t.diagnostic(`a poll every ${seen.meanUs.toFixed(1)} µs, at worst after ${seen.longestUs.toFixed(0)} µs`);
  const { wrongMs, emptyMs, absentMs, changes } = seen;
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  assert.ok(client.leases - started >= 25 && client.declined === 0);
  await holds(host);
});

test('renewals: a second apply changes nothing either', { skip: unavailable() }, async () => {
  await using scene = await staleHost();
  const { host } = scene;
  await apply(host);
  const watch = await watchFile(host, '/etc/resolv.conf');
  const { code } = await host.agent('apply', '--detailed-exitcodes');
  assert.equal(code, 0, 'nothing changed, nothing failed');
  assert.equal((await watch.stop()).changes, 0);
});
