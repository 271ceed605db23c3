/** A rehearsal names what the host has by router advertisements: the default route and name servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unplayedAdvertisements } from '../../../agent/rehearse/unplayed-advertisements.ts';
import { ADVERTISEMENT } from '../../parts/advertisement.ts';
import { patientHost } from '../../parts/doctor-patient.ts';

test('advertisements at a rehearsal: the default route and name servers that came by them are named', (t) => {
  const heard = { 'run/rdnssd/resolv.conf': '# x\nnameserver 2001:db8::11\nnameserver fe80::1%eth0\n' };
  const said = (routes: unknown, files: Record<string, string> = {}, servers: readonly string[] = []) =>
    unplayedAdvertisements(patientHost(t, { files, programs: { ip: { stdout: JSON.stringify(routes) } } }), 'eth0', {
      advertisedServers: servers,
    });
  const prefix = { dst: '2001:db8::/64', protocol: 'ra' };
  assert.deepEqual(said([prefix]), [], 'a network of its own is no router');
  const sentence = (had: string) => [
    `eth0 has ${had} from router advertisements, and the stage sends none: nothing that they bring at this event is shown`,
  ];
  const router = { dst: 'default', gateway: 'fe80::9' };
  assert.deepEqual(said([prefix, router]), sentence('its default route by fe80::9'));
  assert.deepEqual(said([], heard), sentence('the name servers 2001:db8::11, fe80::1%eth0'));
  assert.deepEqual(
    said([{ ...router, gateway: undefined, nexthops: [{ gateway: 'fe80::9' }, { gateway: 'fe80::8' }] }], heard, [
      '2001:db8::12',
      '2001:db8::11',
    ]),
    sentence('its default route by fe80::9, fe80::8 and the name servers 2001:db8::12, 2001:db8::11, fe80::1%eth0'),
  );
});

test('advertisements at a rehearsal: a stage that sends them says so of rdnssd alone', (t) => {
  const routes = JSON.stringify([{ dst: 'default', gateway: 'fe80::9' }]);
  const host = (files: Record<string, string>) => patientHost(t, { files, programs: { ip: { stdout: routes } } });
  const plan = { advertisements: [ADVERTISEMENT] };
  assert.deepEqual(unplayedAdvertisements(host({}), 'eth0', plan, true), []);
  assert.deepEqual(
    unplayedAdvertisements(host({ 'run/rdnssd/resolv.conf': 'nameserver 2001:db8::11\n' }), 'eth0', plan, true),
    ['rdnssd has the name servers 2001:db8::11 from router advertisements, and rdnssd is not on the stage'],
  );
  assert.deepEqual(unplayedAdvertisements(host({}), 'eth0', plan, false), [
    'eth0 has its default route by fe80::9 and the name servers 2001:db8::53 from router advertisements, and this kernel has no bridge or VXLAN device to send them with: nothing that they bring at this event is shown',
  ]);
});

test('advertisements at a rehearsal: a kernel without IPv6 has none', (t) => {
  const programs = { ip: { status: 2, stderr: 'Operation not supported' } };
  assert.deepEqual(unplayedAdvertisements(patientHost(t, { programs }), 'eth0'), []);
});
