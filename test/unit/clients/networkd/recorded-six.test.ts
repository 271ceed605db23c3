/** What systemd-networkd tells of DHCPv6 and router advertisements, and what of it is on a stage. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LeaseHolder } from '../../../../agent/clients/client.ts';
import { networkdLinks } from '../../../../agent/clients/networkd/managed-links.ts';
import { networkdSix } from '../../../../agent/clients/networkd/recorded-six.ts';
import { networkdStage } from '../../../../agent/clients/networkd/stage.ts';
import { DUAL, ipHost, type Shown } from '../../../parts/ip-host.ts';
import { FILES, link, OTHERS, STATE } from '../../../parts/networkd-host.ts';

const address = (last: number) => [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
const router = (last: number) => [254, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
const entry = (source: string, last: number, from = 1) => ({
  Address: address(last),
  ConfigSource: source,
  ConfigProvider: router(from),
});
const domain = (source: string, name: string) => ({ Domain: name, ConfigSource: source, ConfigProvider: router(1) });

const TOLD = {
  Addresses: [entry('NDisc', 5), entry('DHCPv6', 0)],
  DNS: [
    entry('DHCPv6', 17),
    entry('NDisc', 18),
    entry('NDisc', 19, 2),
    { ...entry('DHCPv4', 1), Address: [10, 0, 0, 1] },
  ],
  NTP: [entry('DHCPv6', 20)],
  SearchDomains: [domain('DHCPv6', 'six.example'), domain('NDisc', 'ra.example')],
};

const LEASE = 'ADDRESS=10.0.0.9\nSERVER_ADDRESS=10.0.0.1\n';

function hostWith(
  t: TestContext,
  told: unknown,
  { shown = DUAL as Shown, dns = '10.0.0.1', lease = LEASE as string | null } = {},
) {
  const files = {
    ...FILES,
    [STATE]: link(dns),
    ...(lease === null ? {} : { 'run/systemd/netif/leases/2': lease }),
    'usr/lib/systemd/systemd-networkd': '',
    'usr/lib/systemd/systemd-resolved': '',
  };
  const networkctl = told === null ? { status: 1 } : { stdout: typeof told === 'string' ? told : JSON.stringify(told) };
  return ipHost(t, shown, { files, others: OTHERS, programs: { networkctl } });
}

const sixOf = (...args: Parameters<typeof hostWith>) => {
  const host = hostWith(...args);
  return networkdSix(host, networkdLinks(host)[0]!);
};

test('systemd-networkd, IPv6 on record: each server and domain belongs to its sender', (t) => {
  const { offer6, advertisements, notes } = sixOf(t, TOLD);
  assert.equal(offer6?.address, '2001:db8::');
  assert.deepEqual([...(offer6?.options.keys() ?? [])], [23, 24, 31, 56]);
  assert.deepEqual(
    advertisements.map((one) => [one.router, one.lifetime, one.managed, one.other]),
    [
      ['fe80::1', 1795, true, false],
      ['fe80::2', 0, true, false],
    ],
  );
  assert.deepEqual(
    advertisements.map(({ servers, domains }) => [servers[0]?.addresses, domains[0]?.names]),
    [
      [['2001:db8::12'], ['ra.example']],
      [['2001:db8::13'], undefined],
    ],
  );
  assert.match(notes.join('\n'), /into an order of chance/);
});

test('systemd-networkd, IPv6 on record: options without an address are the O flag', (t) => {
  const { offer6, advertisements } = sixOf(t, { ...TOLD, Addresses: [] });
  assert.equal(offer6?.address, null);
  assert.deepEqual([advertisements[0]?.managed, advertisements[0]?.other], [false, true]);
});

test('systemd-networkd, IPv6 on record: servers that it passes over, and delegated prefixes, are named as missing', (t) => {
  const { notes } = sixOf(t, { Addresses: [entry('DHCPv6', 0), entry('DHCP-PD', 3)] });
  assert.match(notes.join('\n'), /uses no name server of DHCPv6 or router advertisements on eth0/);
  assert.match(notes.join('\n'), /eth0 has an address of a delegated prefix/);
});

test('systemd-networkd, IPv6 on record: a delegated prefix is named by its unreachable route', (t) => {
  const unreachable = { type: 'unreachable', dst: '2001:db8:f000:ff00::/56', dev: 'lo', protocol: 'dhcp' };
  const shown = { ...DUAL, routes: [...(DUAL.routes as object[]), unreachable] };
  assert.match(
    sixOf(t, TOLD, { shown }).notes.join('\n'),
    /has the delegated prefix 2001:db8:f000:ff00::\/56, and the/,
  );
  assert.doesNotMatch(sixOf(t, TOLD).notes.join('\n'), /delegated/);
  // 2001:db8::5, of which no router advertised the prefix.
  const own = { ...DUAL, routes: [], addresses: DUAL.addresses.slice(1) };
  assert.deepEqual(sixOf(t, { Addresses: [entry('DHCP-PD', 5)] }, { shown: own }).advertisements, []);
});

test('systemd-networkd, IPv6 on record: before systemd 248 the kernel and the servers in use say it', (t) => {
  const dns = '10.0.0.1 2001:db8::11';
  const both = sixOf(t, null, { dns });
  assert.equal(both.offer6?.address, '2001:db8::100');
  assert.equal(both.offer6?.options.get(23)?.length, 16);
  assert.deepEqual(both.advertisements[0]?.servers, []);
  assert.match(both.notes.join('\n'), /takes them for those of DHCPv6/);
  const advertised = sixOf(t, null, { dns, shown: { ...DUAL, addresses: DUAL.addresses.slice(1) } });
  assert.equal(advertised.offer6, null);
  assert.deepEqual(advertised.advertisements[0]?.servers[0]?.addresses, ['2001:db8::11']);
  assert.deepEqual(sixOf(t, null, { shown: {} }), { offer6: null, advertisements: [], notes: [] });
});

test('systemd-networkd, IPv6 on record: an answer that it never gives has nothing', (t) => {
  for (const told of ['no JSON', '5', { DNS: 5, Addresses: [5, null, { ConfigSource: 'DHCPv6', Address: [1] }] }])
    assert.deepEqual(sixOf(t, told, { shown: {} }), { offer6: null, advertisements: [], notes: [] });
});

test('systemd-networkd’s stage: the events of DHCPv6 come with an address by it, and the script knows what to wait for', (t) => {
  const holder: LeaseHolder = { program: 'systemd-networkd', pid: 30, started: 0, interfaces: ['eth0'] };
  const both = networkdStage(hostWith(t, TOLD), holder, 'eth0');
  assert.deepEqual(both.command.slice(-3), ['2001:db8::', 'yes', 'yes']);
  assert.ok(both.events.RENEW6 && both.events.REBIND6 && both.events.EXPIRE6);
  const four = networkdStage(hostWith(t, {}, { shown: {} }), holder, 'eth0');
  assert.deepEqual(
    [four.command.slice(-3), four.offer6, four.advertisements, four.events.RENEW6],
    [['', '', 'yes'], undefined, [], undefined],
  );
});

test('systemd-networkd’s stage: a link without a lease of IPv4 has the events of IPv6 only', (t) => {
  const holder: LeaseHolder = { program: 'systemd-networkd', pid: 30, started: 0, interfaces: ['eth0'] };
  const staged = (told: unknown, shown: Shown = DUAL) =>
    networkdStage(hostWith(t, told, { shown, lease: null }), holder, 'eth0');
  const both = staged(TOLD);
  assert.deepEqual([both.offer, both.command.slice(-3)], [null, ['2001:db8::', 'yes', '']]);
  assert.deepEqual(Object.keys(both.events).sort(), ['EXPIRE6', 'REBIND6', 'REBOOT6', 'RELOAD', 'RENEW6', 'TIMEOUT6']);
  const routed = staged({ Routes: [entry('NDisc', 5)] });
  assert.deepEqual(Object.keys(routed.events).sort(), ['REBOOT6', 'RELOAD', 'TIMEOUT6']);
  assert.throws(() => staged({}, {}), {
    code: 'ENOLEASE',
    message: 'systemd-networkd[30] on eth0 has no lease of eth0, and heard no router there',
  });
});
