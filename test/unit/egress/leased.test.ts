/** What a lease says of gateways, and what counts as an answer of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import { BEHIND } from '../../../agent/config/desired.ts';
import { isFresh } from '../../../agent/egress/defaults.ts';
import { gatewaysOf } from '../../../agent/egress/leased.ts';
import type { Neighbour, NeighbourState } from '../../../agent/host/netlink/neighbours.ts';
import { standing } from '../../../agent/resources/egress/egress.ts';
import { accepted } from '../../parts/accepted.ts';

const of = (options: Record<string, string>) => gatewaysOf({ options: new Map(Object.entries(options)) });

test('leased default routes: the routers of a lease, or the default routes of option 121, which overrules them', () => {
  assert.deepEqual(of({ routers: '10.77.2.1' }), ['10.77.2.1']);
  assert.deepEqual(of({ routers: '10.77.2.1,10.77.2.2' }), ['10.77.2.1', '10.77.2.2']);
  assert.deepEqual(of({}), []);
  const classless = (text: string) => of({ routers: '10.77.2.1', 'rfc3442-classless-static-routes': text });
  assert.deepEqual(classless('24,10,1,2,10,0,0,2,0,10,77,2,9'), ['10.77.2.9']);
  assert.deepEqual(classless('24,10,1,2,10,0,0,2'), []);
});

test('leased default routes: what is no address is passed over', () => {
  for (const routers of ['', 'x', '0.0.0.0', '10.77.2', '10.77.2.300', '1.2.3.4; rm -rf /', '167772161', '::1']) {
    assert.deepEqual(of({ routers }), [], routers);
  }
  for (const text of ['', '0', '33,1,2,3,4', '-1,1,2,3,4', '0,10,77', 'a,b', '0,10,77,2,999', '24,10,1']) {
    assert.deepEqual(of({ routers: '10.77.2.1', 'rfc3442-classless-static-routes': text }), [], text);
  }
});

test('leased default routes: a gateway has answered if it did lately', () => {
  const fresh = (state: NeighbourState, confirmed: number | null) => isFresh({ state, confirmed } as Neighbour);
  assert.ok(fresh('reachable', 100_000) && fresh('permanent', null) && fresh('stale', 59_000) && fresh('probe', 8000));
  for (const state of ['none', 'incomplete', 'failed'] as const) assert.equal(fresh(state, null), false);
  assert.equal(fresh('stale', 61_000), false);
});

test('leased default routes: a DHCP server’s route goes behind, but not behind one that has not answered, and is never missed where there is none', () => {
  const address: IpAddress = accepted('10.77.2.1');
  const one = { interface: 'eth2', address, index: 4, place: 1 };
  const at = (...metrics: number[]) => ({ ...one, routes: metrics.map((metric) => ({ metric })) as never });
  const bgp = { metric: 32, name: '10.88.0.1 on eth0 (bird)', problem: null };
  const silent = { ...bgp, problem: '10.88.0.1 on eth0 has not answered' } as never;
  const state = (gateway: ReturnType<typeof at>, bgp: never, count: number, others: string[] = []) => {
    const { state, wanted } = standing(gateway, { bgp, count, others, ahead: null, dhcp: [gateway] });
    return [state, wanted];
  };
  const behind = `metric ${BEHIND + 1}`;
  assert.deepEqual(state(at(0), bgp as never, 2), ['drifted', behind]);
  assert.deepEqual(state(at(0, BEHIND), bgp as never, 3), ['drifted', behind]);
  assert.deepEqual(state(at(BEHIND), bgp as never, 2), ['ok', `metric ${BEHIND}`]);
  assert.deepEqual(state(at(), bgp as never, 1), ['ok', null]);
  assert.deepEqual(state(at(0), null as never, 1), ['drifted', behind]);
  assert.deepEqual(state(at(), null as never, 0), ['drifted', behind]);
  assert.deepEqual(state(at(), null as never, 1), ['ok', null]);
  assert.deepEqual(state(at(0), silent, 2), ['skipped', 'metric 0']);
  assert.deepEqual(state(at(0), null as never, 2, ['static metric 100']), ['skipped', 'metric 0']);
});
