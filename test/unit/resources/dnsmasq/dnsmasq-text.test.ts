/** The options that dnsmasq hands to clients, as text for dnsmasq. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredNetwork } from '../../../../agent/config/desired.ts';
import { dnsmasqText, type ToldDns } from '../../../../agent/resources/dnsmasq/dnsmasq-text.ts';
import { accepted } from '../../../parts/accepted.ts';

const LAN: DesiredNetwork[] = [{ router: '10.99.0.1/24', tag: 'lan' }];
const ROUTES = [
  'dhcp-option=tag:lan,3,10.99.0.1',
  'dhcp-option=tag:lan,121,0.0.0.0/0,10.99.0.1',
  'dhcp-option=tag:lan,249,0.0.0.0/0,10.99.0.1',
];

const told = (dns: { nameservers: string[] | null; search: string[] | null } | null, networks = LAN) =>
  dnsmasqText(networks, [], accepted<ToldDns | null>(dns)).split('\n').slice(1, -1);

test('dnsmasq: each network has its own router, and no name servers unless these are told', () => {
  assert.deepEqual(told(null), ROUTES);
  const two = told(null, [...LAN, { router: '10.98.0.1/16', tag: null }]);
  assert.deepEqual(two.slice(3), [
    'dhcp-option=3,10.98.0.1',
    'dhcp-option=121,0.0.0.0/0,10.98.0.1',
    'dhcp-option=249,0.0.0.0/0,10.98.0.1',
  ]);
});

test('dnsmasq: a name server on this host is told as the router, once, and IPv6 is left out', () => {
  const nameservers = ['127.0.0.1', '::1', '10.0.0.53', '2001:db8::53', 'fe80::1%eth0', '::ffff:10.0.0.54'];
  assert.deepEqual(told({ nameservers, search: ['corp.example', '.', 'example.com'] }).slice(3), [
    'dhcp-option=tag:lan,6,10.99.0.1,10.0.0.53,10.0.0.54',
    'dhcp-option=tag:lan,119,corp.example,example.com',
  ]);
});

test('dnsmasq: an option without a value is left out', () => {
  assert.deepEqual(told({ nameservers: null, search: ['.'] }), ROUTES);
  assert.deepEqual(told({ nameservers: null, search: ['example.com'] }).slice(3), [
    'dhcp-option=tag:lan,119,example.com',
  ]);
});
