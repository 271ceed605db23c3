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
