/** dhclient.leases is read as dhclient writes it: addresses, options, times, half-written blocks. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  currentLease,
  parseLeases,
  resolvConfWithoutHook,
} from '../../../../../agent/clients/dhclient/leases/leases.ts';
import { parseClient } from '../../../../../agent/clients/dhclient/running.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { scratch } from '../../../../parts/scratch.ts';

const lease = (iface: string, address: string, more = '') => `lease {
  interface "${iface}";
  fixed-address ${address};
  option subnet-mask 255.255.255.0;
  option routers 10.0.0.254;
  option domain-name-servers 10.0.0.1,10.0.0.2;
  option domain-name "lan second";
  option domain-search "a.example.", "lan.";
${more}  renew 4 2026/11/26 06:12:10;
  rebind 4 2026/11/26 07:00:00;
  expire 4 2026/11/26 07:30:00;
}
`;

test('leases: a lease is read with its address, options and times', () => {
  const [first, ...others] = parseLeases(`default-duid "\\000\\001";\n${lease('eth0', '10.0.0.5')}`);
  assert.deepEqual(others, []);
  assert.equal(first!.interface, 'eth0');
  assert.equal(first!.address, '10.0.0.5');
  assert.equal(first!.options.get('domain-name-servers'), '10.0.0.1,10.0.0.2');
  assert.equal(first!.renew, Date.UTC(2026, 10, 26, 6, 12, 10));
  assert.equal(first!.expire, Date.UTC(2026, 10, 26, 7, 30, 0));
});

test('leases: local times with an epoch, endless leases and odd times are read', () => {
  const times = (text: string) => parseLeases(`lease {\n  interface "x";\n  ${text}\n}\n`)[0]!;
  assert.equal(times('renew epoch 1795673530; # Thu Nov 26 06:12:10 2026').renew, 1795673530_000);
  assert.equal(times('renew never;').renew, null);
  assert.equal(times('renew soon;').renew, null);
});

/** As dhclient 4.4.3 wrote it. */
const LEASE6 = `default-duid "\\000\\001\\000\\0012\\240\\316\\256";
lease6 {
  interface "eth0";
  ia-na 81:8d:d0:19 {
    starts 1796084271;
    renew 300;
    rebind 480;
    iaaddr 2001:db8:77::1af {
      starts 1796084271;
      preferred-life 400;
      max-life 600;
    }
    iaaddr 2001:db8:77::1b0 {
      starts 1796084270;
      preferred-life 400;
      max-life 600;
    }
  }
  option dhcp6.client-id 0:1:0:1:32:a0:ce:ae:ae:9a:81:8d:d0:19;
  option dhcp6.name-servers 2001:db8::9,fe80::9;
  option dhcp6.domain-search "six.example.", "b.example.";
}
`;

test('leases: a lease of DHCPv6 is read with its first address, its options and its times', () => {
  const [found, ...others] = parseLeases(LEASE6);
  assert.deepEqual(others, []);
  assert.deepEqual([found!.family, found!.interface, found!.address], [6, 'eth0', '2001:db8:77::1af']);
  assert.deepEqual([found!.renew, found!.expire, found!.seconds], [1796084571_000, 1796084871_000, 600]);
  assert.deepEqual(resolvConfWithoutHook(found!), [
    'search six.example. b.example.',
    'nameserver 2001:db8::9',
    'nameserver fe80::9%eth0',
  ]);
  const [superseded] = parseLeases(
    LEASE6.replace('  option dhcp6.client', '  option domain-name-servers 9.9.9.9;\n$&'),
  );
  assert.deepEqual(resolvConfWithoutHook(superseded!), ['nameserver 9.9.9.9'], 'the script looks at IPv4 first');
});

test('leases: a released lease of DHCPv6, one for ever, one with a prefix only and one half-written', () => {
  const times = (text: string) => parseLeases(text).map(({ address, renew, expire }) => [address, renew, expire]);
  assert.deepEqual(times(LEASE6.replace('  ia-na', '  released;\n  ia-na')), [[null, null, null]]);
  const forever = LEASE6.replaceAll('max-life 600', 'max-life 4294967295').replace('renew 300', 'renew 4294967295');
  assert.deepEqual(times(forever), [['2001:db8:77::1af', null, null]]);
  assert.deepEqual(times(LEASE6.replaceAll('iaaddr', 'iaprefix')), [[null, 1796084571_000, 1796084871_000]]);
  assert.deepEqual(times(LEASE6.slice(0, -2)), []);
  assert.equal(parseLeases(LEASE6.slice(0, -2) + LEASE6).length, 1);
});

test('leases: each family has its own lease, also in one file', (t) => {
  const both = LEASE6 + lease('eth0', '10.0.0.5');
  const host = new Host({ root: scratch(t, { leases: both, 'var/lib/dhcp/dhclient6.leases': LEASE6 }) });
  const client = (line: string) => parseClient({ pid: 1, started: 0, sinceBoot: 0, arguments: line.split(' ') });
  assert.equal(currentLease(host, client('dhclient -lf /leases eth0'), 'eth0')?.address, '10.0.0.5');
  assert.equal(currentLease(host, client('dhclient -6 -lf /leases eth0'), 'eth0')?.address, '2001:db8:77::1af');
  assert.equal(currentLease(host, client('dhclient -6 eth0'), 'eth0')?.address, '2001:db8:77::1af');
  assert.equal(currentLease(host, client('dhclient eth0'), 'eth0'), null);
});

test('leases: a block that dhclient is still writing is passed over', () => {
  const text = `${lease('eth0', '10.0.0.5')}lease {\n  interface "eth0";\n  fixed-address 10.0.0.6;\n`;
  assert.deepEqual(
    parseLeases(text).map(({ address }) => address),
    ['10.0.0.5'],
  );
});

test('leases: it foretells what the script alone writes at the next renewal', () => {
  const [found] = parseLeases(lease('eth0', '10.0.0.5'));
  assert.deepEqual(resolvConfWithoutHook(found!), [
    'domain lan',
    'search a.example. lan.',
    'nameserver 10.0.0.1',
    'nameserver 10.0.0.2',
  ]);
  const [bare] = parseLeases('lease {\n  interface "eth0";\n}\n');
  assert.deepEqual(resolvConfWithoutHook(bare!), []);
});

test('leases: the last lease of the interface counts, in the file that the client uses', (t) => {
  const root = scratch(t, {
    'var/lib/dhcp/dhclient.leases': lease('eth0', '10.0.0.1') + lease('eth1', '10.0.1.1') + lease('eth0', '10.0.0.2'),
    'var/lib/dhcp/dhclient.eth0.leases': lease('eth0', '10.0.0.3'),
  });
  const host = new Host({ root });
  const client = (...args: string[]) =>
    parseClient({ pid: 1, started: 0, sinceBoot: 0, arguments: ['dhclient', ...args] });
  assert.equal(currentLease(host, client('eth0'), 'eth0')!.address, '10.0.0.2');
  assert.equal(
    currentLease(host, client('-lf', '/var/lib/dhcp/dhclient.eth0.leases', 'eth0'), 'eth0')!.address,
    '10.0.0.3',
  );
  assert.equal(currentLease(host, client('-lf', '/no/such', 'eth0'), 'eth0'), null);
  assert.equal(currentLease(host, client('eth9'), 'eth9'), null);
});

test('leases: reading any file ends, and throws nothing', () => {
  const bit = fc.constantFrom(
    'lease {',
    '}',
    '  interface "eth0";',
    'option x "',
    'renew 4 2026/99/99 99:99:99;',
    'lease6 {',
    'ia-na {',
    '\0',
    ';',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(bit, fc.string())), (lines) => {
      for (const found of parseLeases(lines.join('\n'))) resolvConfWithoutHook(found);
    }),
  );
});

test('leases: an unreadable file gives no leases', (t) => {
  const host = new Host({ root: scratch(t) });
  mkdirSync(join(host.root, 'leases'));
  const client = parseClient({ pid: 7, arguments: ['dhclient', '-lf', '/leases', 'eth0'], started: 0, sinceBoot: 0 });
  assert.equal(currentLease(host, client, 'eth0'), null);
});
