/** The lifetime of an advertised default route: a silent router is found, and no router is called silent without cause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import type { DefaultRouteView } from '../../../agent/egress/look.ts';
import { Lifetime } from '../../../probes/egress/lifetime.ts';
import { accepted } from '../../parts/accepted.ts';

const ROUTER = { carrier: true, neighbour: 'reachable', reachable: true } as const;

function advertised(expires: number | null, router = 'fe80::1'): DefaultRouteView {
  const address: IpAddress = accepted(router);
  const gateways = [{ ...ROUTER, address, index: 2, interface: 'eth0', weight: 1 }];
  return {
    ...{ table: 254, protocol: 9, metric: 1024, preference: 'medium', beyond: '2001:db8::' },
    expires,
    gateways,
  };
}

/** Whether the router counts as silent after each look; a look is the seconds since the start and the seconds left. */
function silent(...looks: [at: number, view: DefaultRouteView | null][]): boolean[] {
  const lifetime = new Lifetime();
  return looks.map(([at, view]) => {
    lifetime.see(view, at * 1000);
    return lifetime.conditions.length > 0;
  });
}

test('egress lifetime: a router that stops to advertise itself is silent until the next advertisement', () => {
  const looks = [
    [0, advertised(1800)],
    [600, advertised(1200)],
    [1340, advertised(460)],
    [1360, advertised(440)],
    [1365, advertised(1800)],
  ] as const;
  assert.deepEqual(silent(...looks.map(([at, view]) => [at, view] as [number, DefaultRouteView])), [
    false,
    false,
    false,
    true,
    false,
  ]);
  const lifetime = new Lifetime();
  for (const [at, view] of looks.slice(0, 4)) lifetime.see(view, at * 1000);
  const [first] = lifetime.conditions;
  assert.deepEqual([first!.code, first!.severity], ['egress-expiring', 'warn']);
  assert.match(
    first!.body,
    /^the IPv6 default route by fe80::1 on eth0 goes at \d{4}-\S+Z unless its router advertises/,
  );
  // The text does not change with each look, so it stays one condition.
  lifetime.see(advertised(435), 1365 * 1000);
  assert.equal(lifetime.conditions[0]!.body, first!.body);
});

test('egress lifetime: a shorter lifetime, another router, a route without a lifetime and no route are no silence', () => {
  assert.deepEqual(silent([0, advertised(1800)], [5, advertised(30)], [10, advertised(25)]), [false, false, false]);
  assert.deepEqual(silent([0, advertised(1800)], [5, advertised(60, 'fe80::2')]), [false, false]);
  assert.deepEqual(silent([0, advertised(1800)], [1700, advertised(100)], [1705, advertised(null)], [1710, null]), [
    false,
    true,
    false,
    false,
  ]);
  assert.deepEqual(silent([0, advertised(9)], [4, advertised(9)], [8, advertised(9)]), [false, false, false]);
});
