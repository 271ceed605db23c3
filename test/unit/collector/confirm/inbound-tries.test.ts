/** The collector's limits on connections back to hosts, and what it says of a port that it did not try. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { InboundTries } from '../../../../agent/collector/confirm/inbound-tries.ts';

const own = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.internal === false && one.family === 'IPv4')?.address;

test('inbound tries: a port beyond the limits is said not to be tried', { skip: own === undefined }, async () => {
  const tries = new InboundTries();
  const closed = await tries.reach(own!, 1, 0);
  assert.deepEqual(closed, { tried: true, why: 'no program listens there' });
  assert.match((await tries.reach(own!, 2, 1)).why!, /another port/);
  for (let nth = 0; nth < 90; nth += 1) await tries.reach(own!, 1, 2);
  assert.deepEqual(await tries.reach(own!, 1, 3), { tried: false, why: `${own} asks too often` });
});

test('inbound tries: the addresses of one IPv6 /64 do not take the tries of all other hosts', async () => {
  const tries = new InboundTries();
  const all = Array.from({ length: 65 }, (_, nth) => tries.reach(`2001:db8::${(nth + 1).toString(16)}`, 1, 0));
  const other = tries.reach('2001:db8:0:1::1', 1, 0);
  assert.match((await all.at(-1)!).why!, /too many ports just now/);
  assert.equal((await all[63]!).tried, true);
  assert.equal((await other).tried, true);
});
