/** Doctor names the programs that remove configured routes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staticRoutesCheck } from '../../../agent/doctor/checks/static-routes-check.ts';
import { codes, seenBy } from '../../parts/doctor-patient.ts';

const ROUTES = 'routes: [{ to: 10.0.0.0/8, via: 10.0.0.1 }]\n';
const NETWORKD = { 'systemd-network': 12 };

test('doctor, static routes: systemd-networkd removes what it does not know, unless it is told not to', (t) => {
  const found = (files: Record<string, string>, yaml = ROUTES, daemons: Record<string, number> = NETWORKD) =>
    codes(seenBy(t, staticRoutesCheck, { yaml, daemons, files }));
  assert.deepEqual(found({}), ['HF-ROUTES-NETWORKD']);
  assert.deepEqual(found({}, ROUTES, {}), []);
  assert.deepEqual(found({}, '{}'), []);
  const conf = (value: string) => `[Network]\n#ManageForeignRoutes=no\nManageForeignRoutes = ${value}\n`;
  assert.deepEqual(found({ 'etc/systemd/networkd.conf': conf('no') }), []);
  assert.deepEqual(found({ 'etc/systemd/networkd.conf': '#ManageForeignRoutes=no\n' }), ['HF-ROUTES-NETWORKD']);
  const later = { 'etc/systemd/networkd.conf': conf('no'), 'etc/systemd/networkd.conf.d/50.conf': conf('yes') };
  assert.deepEqual(found(later), ['HF-ROUTES-NETWORKD']);
});

test('doctor, static routes: no default route of DHCP, and none of ours', (t) => {
  const found = (yaml: string) => codes(seenBy(t, staticRoutesCheck, { yaml }));
  assert.deepEqual(found('dhclient: { ignore: [routers, classless-routes] }'), ['HF-ROUTES-NO-DEFAULT']);
  assert.deepEqual(found('dhclient: { ignore: [routers] }'), []);
  const split = 'dhclient: { ignore: [routers], interfaces: { eth1: { ignore: [classless-routes] } } }';
  assert.deepEqual(found(split), ['HF-ROUTES-NO-DEFAULT']);
  const own = 'dhclient: { ignore: [routers, classless-routes] }\nroutes: [{ to: default, via: 10.0.0.1 }]';
  assert.deepEqual(found(own), []);
});
