/** Which ignored offers would take the way to a configured gateway with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOff } from '../../../agent/clients/cut-off.ts';
import type { IgnoredOffer } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import { desired, dhclient, route } from '../../parts/desired.ts';

/** No network of the loopback interface, which every host has, leads to 203.0.113.1. */
const ROUTES = [route('0.0.0.0/0', [{ via: '203.0.113.1', dev: 'lo', weight: 1, onlink: false }])];

const refusal = (...ignore: IgnoredOffer[]) =>
  cutOff(new Host(), desired({ routes: ROUTES, dhclient: dhclient({}, {}, { lo: ignore }) }));

test('cut-off: an interface that supersedes the router takes the offer that all others ignore', () => {
  const asked = (own: Record<string, string[]>) => {
    const { global, interfaces } = dhclient({}, { lo: own });
    return cutOff(
      new Host(),
      desired({ routes: ROUTES, dhclient: { global: { ...global, ignore: ['routers'] }, interfaces } }),
    );
  };
  assert.match(asked({})!, /^with this the host would lose/);
  assert.equal(asked({ routers: ['127.0.0.2'] }), null);
});

test('cut-off: ignored router advertisements take no IPv4 route away', () => {
  assert.match(refusal('routers')!, /^with this the host would lose its default route/);
  assert.match(refusal('router-advertisements', 'classless-routes')!, /^with this the host would lose/);
  assert.equal(refusal('router-advertisements'), null);
});
