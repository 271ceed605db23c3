/** The next lease: what each DHCP client's server offered last, against what Holdfast holds. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDhcp4, readDhcp6 } from '../../../../agent/clients/dhcpcd/known-leases.ts';
import { knownLeases } from '../../../../agent/clients/holders.ts';
import { longestLease } from '../../../../agent/clients/known-lease.ts';
import { leasesSource } from '../../../../agent/depends/leases/leases-source.ts';
import { around, ask } from '../../../parts/depends-scene.ts';

const LEASE = `lease {
  interface "eth0";
  fixed-address 10.0.0.5;
  option domain-name-servers 10.0.0.1,10.0.0.2;
  option routers 10.0.0.3;
  option dhcp-lease-time 3600;
  option dhcp-server-identifier 10.0.0.4;
}
`;
const DHCLIENT = { files: { 'var/lib/dhcp/dhclient.leases': LEASE }, dhclients: { 7: 'dhclient eth0' } };

const lines = (found: readonly { address: string; who: string }[]) =>
  found.map(({ address, who }) => `${address} ${who}`);

test('dhclient: its offer comes back at the next lease, unless the hooks hold other servers', async (t) => {
  const { found, unseen } = await ask(leasesSource(around(t, DHCLIENT)));
  assert.deepEqual(lines(found), ['10.0.0.1 dhclient[7] on eth0', '10.0.0.2 dhclient[7] on eth0']);
  assert.deepEqual(unseen, []);
  const held = around(t, DHCLIENT, { holding: async (client) => (client === 'dhclient' ? ['10.9.9.9'] : null) });
  assert.deepEqual(await ask(leasesSource(held)), { found: [], unseen: [] });
});

test('dhclient: router and DHCP server are dependences of those who ask for them, held or not', async (t) => {
  const source = leasesSource(around(t, DHCLIENT, { holding: async () => ['10.9.9.9'] }));
  const reasons = (await ask(source, '10.0.0.3', '10.0.0.4', '10.0.0.1')).found.map(({ address, reason }) => [
    address,
    reason,
  ]);
  assert.deepEqual(
    reasons.map(([address]) => address),
    ['10.0.0.3', '10.0.0.4'],
  );
  assert.match(reasons[1]![1]!, /asks it to renew/);
});

test('a client without a lease that is recorded is unseen', async (t) => {
  const { found, unseen } = await ask(leasesSource(around(t, { dhclients: { 7: 'dhclient eth0' } })), '10.0.0.1');
  assert.deepEqual(found, []);
  assert.match(unseen[0]!.reason, /^dhclient\[7\] on eth0 runs, and no lease of it is recorded$/);
});

test('systemd-networkd and NetworkManager: by their records in /run', async (t) => {
  const scene = around(t, {
    files: {
      'sys/class/net/eth0/ifindex': '2\n',
      'sys/class/net/eth1/ifindex': '3\n',
      'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.5\nROUTER=10.0.0.3\nLIFETIME=1h 30min\nDNS=10.0.0.1 10.0.0.2\n',
      'run/NetworkManager/devices/3':
        '[device]\nmanaged=true\n[dhcp4]\ndhcp4.domain_name_servers=10.0.1.1 10.0.1.2\ndhcp4.dhcp_lease_time=7200\n',
    },
    others: {
      'systemd-network': { 9: '/lib/systemd/systemd-networkd' },
      NetworkManager: { 8: '/usr/sbin/NetworkManager' },
    },
  });
  assert.deepEqual(lines((await ask(leasesSource(scene))).found), [
    '10.0.0.1 systemd-networkd[9] on eth0',
    '10.0.0.2 systemd-networkd[9] on eth0',
    '10.0.1.1 NetworkManager[8] on eth1',
    '10.0.1.2 NetworkManager[8] on eth1',
  ]);
  const known = await knownLeases(scene.host);
  assert.deepEqual(
    known.leases.map(({ duration }) => duration),
    [5400, 7200],
  );
  assert.equal(longestLease(known), 7200);
});

test('systemd-networkd: networkctl tells both ways of IPv6, of a link with an address that has a lifetime', async (t) => {
  const address = (last: number) => [32, 1, 13, 184, ...Array(11).fill(0), last];
  const route = { ConfigSource: 'NDisc', DestinationPrefixLength: 0, Gateway: address(1) };
  const told = {
    Addresses: [{ Address: address(5), ConfigSource: 'DHCPv6' }],
    Routes: [route],
    DNS: [17, 18].map((last, at) => ({ Address: address(last), ConfigSource: at === 0 ? 'DHCPv6' : 'NDisc' })),
  };
  const scene = around(t, {
    files: {
      'sys/class/net/eth0/ifindex': '2\n',
      'run/systemd/netif/links/2': 'NETWORK_FILE=/etc/systemd/network/10-lan.network\n',
      'proc/net/if_inet6': '20010db8000000000000000000000005 02 80 00 200     eth0\n',
    },
    others: { 'systemd-network': { 9: '/lib/systemd/systemd-networkd' } },
    programs: { networkctl: { stdout: JSON.stringify(told) } },
  });
  const { found } = await ask(leasesSource(scene), '2001:db8::1', '2001:db8::11', '2001:db8::12');
  assert.deepEqual(
    found.map((one) => [one.address, one.where, one.reason.replace(/,.*/, '')]),
    [
      ['2001:db8::11', 'networkctl status eth0', 'the DHCP server offers it as a name server'],
      ['2001:db8::12', 'networkctl status eth0', 'a router advertises it as a name server'],
      ['2001:db8::1', 'networkctl status eth0', 'it advertises itself as the default router'],
    ],
  );
});

test('dhcpcd: what a router sent is printed by dhcpcd, and no lease is missing', async (t) => {
  const printed = [
    ...['reason=ROUTERADVERT', 'interface=eth0', 'protocol=ra', 'nd1_from=fe80::1', 'nd1_lifetime=600'],
    ...['nd1_rdnss1_lifetime=500', 'nd1_rdnss1_servers=2001:db8::12', ''],
  ].join('\n');
  const scene = around(t, {
    files: { 'proc/net/if_inet6': '20010db8000000000000000000000005 02 40 00 200     eth0\n' },
    others: { dhcpcd: { 7: ['dhcpcd: eth0 [ip4] [ip6]'] } },
    programs: { dhcpcd: { stdout: printed } },
  });
  const { found, unseen } = await ask(leasesSource(scene), '2001:db8::12');
  assert.deepEqual([lines(found), unseen], [['2001:db8::12 dhcpcd[7] on eth0'], []]);
  assert.equal(found[0]?.where, 'dhcpcd -U eth0');
});

function bootp(...options: number[][]): Buffer {
  const head = Buffer.alloc(240);
  head.writeUInt32BE(0x63825363, 236);
  return Buffer.concat([head, ...options.map((one) => Buffer.from(one)), Buffer.from([255])]);
}

test('dhcpcd: its lease file is the server’s message', async (t) => {
  const scene = around(t, {
    files: { 'var/lib/dhcpcd/eth0.lease': '' },
    others: { dhcpcd: { 7: ['dhcpcd: eth0 [ip4]'] } },
  });
  const path = join(scene.host.root, 'var/lib/dhcpcd/eth0.lease');
  writeFileSync(
    path,
    bootp([0, 0], [6, 4, 10, 0, 0, 1], [6, 4, 10, 0, 0, 2], [3, 4, 10, 0, 0, 3], [51, 4, 0, 0, 14, 16]),
  );
  assert.deepEqual(lines((await ask(leasesSource(scene))).found), [
    '10.0.0.1 dhcpcd[7] on eth0',
    '10.0.0.2 dhcpcd[7] on eth0',
  ]);
  assert.equal(longestLease(await knownLeases(scene.host)), 3600);
  writeFileSync(path, 'garbage');
  const { found, unseen } = await ask(leasesSource(scene));
  assert.deepEqual(found, []);
  assert.match(unseen[0]!.reason, /eth0\.lease is no lease that can be read/);
});

test('a lease for ever is never renewed; one that does not say how long it lasts leaves the others as they are', () => {
  const lease = {
    program: 'dhcpcd',
    who: '',
    where: '',
    nameservers: [],
    gateways: [],
    timeServers: [],
    server: null,
  } as const;
  const longest = (...durations: (number | null)[]) =>
    longestLease({ leases: durations.map((duration) => ({ ...lease, duration })), unknown: [] });
  assert.equal(longest(60, 0xffffffff), 60);
  assert.equal(longest(60, null), 60);
  assert.equal(longest(null), null);
  assert.equal(longest(0xffffffff), null);
  assert.equal(longestLease({ leases: [{ ...lease, duration: 60 }], unknown: ['x'] }), 60);
});

test('damaged DHCP messages are refused, not guessed', () => {
  for (const packet of [
    Buffer.alloc(0),
    Buffer.alloc(240),
    bootp([6, 200, 10]),
    Buffer.concat([bootp().subarray(0, 240), Buffer.from([6])]),
  ]) {
    const read = readDhcp4(packet);
    assert.deepEqual(read?.nameservers ?? [], []);
  }
  // REPLY with DNS servers, and an association with one address of 7,200 s.
  const dns = Buffer.concat([Buffer.from([0, 23, 0, 16]), Buffer.from('20010db8000000000000000000000053', 'hex')]);
  const address = Buffer.concat([Buffer.from([0, 5, 0, 24]), Buffer.alloc(20), Buffer.from([0, 0, 0x1c, 0x20])]);
  const association = Buffer.concat([Buffer.from([0, 3, 0, 12 + address.length]), Buffer.alloc(12), address]);
  const reply = Buffer.concat([Buffer.from([7, 1, 2, 3]), dns, association]);
  assert.deepEqual(readDhcp6(reply), {
    nameservers: ['2001:db8::53'],
    gateways: [],
    timeServers: [],
    server: null,
    duration: 7200,
  });
  assert.equal(readDhcp6(reply.subarray(0, 15)), null);
  assert.equal(readDhcp6(Buffer.alloc(2)), null);
});
