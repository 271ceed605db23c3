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

test('cut-off: ignored router advertisements take no IPv4 route away', () => {
  assert.match(refusal('routers')!, /^with this the host would lose its default route/);
  assert.match(refusal('router-advertisements', 'classless-routes')!, /^with this the host would lose/);
  assert.equal(refusal('router-advertisements'), null);
});
