/** Which programs take this host's leases, and at which interface there are two of them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { holderName } from '../../../agent/clients/client.ts';
import { contested } from '../../../agent/clients/contests.ts';
import { dhclientIdle } from '../../../agent/clients/dhclient/idle.ts';
import { leaseHolders } from '../../../agent/clients/holders.ts';
import { dhcpClientsCheck } from '../../../agent/doctor/checks/dhcp-clients-check.ts';
import { codes, type Patient, patientHost, seenBy } from '../../parts/doctor-patient.ts';

const LINKS = { 'sys/class/net/eth0/ifindex': '2\n', 'sys/class/net/eth1/ifindex': '3\n' };

const holders = (t: TestContext, patient: Patient) => leaseHolders(patientHost(t, patient)).map(holderName);

test('lease holders: dhcpcd is recognised for one interface with its helpers, and as manager of all', (t) => {
  const dhcpcd = {
    49: ['dhcpcd: eth0 [ip4] [ip6]'],
    50: ['dhcpcd: [privileged proxy] eth0 [ip4] [ip6]'],
    51: ['dhcpcd: [network proxy] eth0 [ip4] [ip6]'],
    64: ['dhcpcd: [BPF ARP] eth0 10.77.0.100'],
  };
  assert.deepEqual(holders(t, { others: { dhcpcd } }), ['dhcpcd[49] on eth0']);

  // Those with a lease since it started.
  const files = { ...LINKS, 'var/lib/dhcpcd/eth1.lease': '', 'var/lib/dhcpcd/duid': '' };
  for (const title of ['dhcpcd: [master] [ip4] [ip6]', 'dhcpcd: [manager] [ip4] [ip6]']) {
    assert.deepEqual(holders(t, { files, others: { dhcpcd: { 7: [title] } } }), ['dhcpcd[7] on eth1']);
  }
  assert.deepEqual(holders(t, { others: { dhcpcd: { 7: 'dhcpcd -B' } } }), ['dhcpcd[7] on no interface']);
});

test('lease holders: NetworkManager and networkd hold the interfaces with a lease of theirs', (t) => {
  const files = {
    ...LINKS,
    'run/NetworkManager/devices/2':
      '[device]\nmanaged=true\nconnection-uuid=1-2-3\n\n[dhcp4]\ndhcp4.routers=10.0.0.1\n',
    'run/NetworkManager/devices/3': '[device]\nmanaged=true\nconnection-uuid=4-5-6\n',
    'run/systemd/netif/leases/3': 'ADDRESS=10.0.0.2\n',
    'run/systemd/netif/leases/9': 'ADDRESS=10.0.0.3\n',
  };
  const others = {
    NetworkManager: { 8: '/usr/sbin/NetworkManager --no-daemon' },
    'systemd-network': { 9: '/lib/systemd/systemd-networkd' },
  };
  assert.deepEqual(holders(t, { files, others }), ['systemd-networkd[9] on eth1', 'NetworkManager[8] on eth0']);
  assert.deepEqual(holders(t, { files }), [], 'what a program left behind that does not run any more');
});

/** Lines of /proc/net/if_inet6. */
const SIX = (...links: readonly (readonly [name: string, scope: string, flags: string])[]) => ({
  'proc/net/if_inet6': links
    .map(([name, scope, flags]) => `20010db8000000000000000000000005 02 40 ${scope} ${flags} ${name.padStart(8)}\n`)
    .join(''),
});

test('lease holders: networkd holds its links that have IPv6 only, beside another program of IPv4', (t) => {
  const state = 'NETWORK_FILE=/etc/systemd/network/10-lan.network\n';
  const files = {
    ...LINKS,
    'sys/class/net/eth2/ifindex': '4\n',
    'sys/class/net/eth3/ifindex': '5\n',
    'run/systemd/netif/links/2': state,
    'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.2\n',
    'run/systemd/netif/links/3': state,
    'run/systemd/netif/links/4': state,
    ...SIX(
      ['eth0', '00', '00'],
      ['eth1', '00', '200'],
      ['eth1', '20', '80'],
      ['eth2', '00', '80'],
      ['eth3', '00', '00'],
    ),
  };
  const others = { 'systemd-network': { 9: '/lib/systemd/systemd-networkd' } };
  assert.deepEqual(holders(t, { files, others }), ['systemd-networkd[9] on eth0, eth1']);
  const network = (value: string) => ({
    'etc/systemd/network/10-lan.network': `[Network]\nDHCPPrefixDelegation=${value}\n`,
  });
  const routing = (value: string) => holders(t, { files: { ...files, ...network(value) }, others });
  assert.deepEqual(routing('yes'), ['systemd-networkd[9] on eth0'], 'the own side of a router');
  assert.deepEqual(routing('no'), ['systemd-networkd[9] on eth0, eth1']);
  const beside = (dhclient: string) => leaseHolders(patientHost(t, { files, others, dhclients: { 5: dhclient } }));
  assert.equal(contested(beside('dhclient eth1'), 'systemd-networkd'), null);
  assert.notEqual(contested(beside('dhclient eth0'), 'systemd-networkd'), null);
  const { 'run/systemd/netif/leases/2': _, ...without } = files;
  const seen = (has: Record<string, string>) => codes(seenBy(t, dhcpClientsCheck, { files: has, others }));
  assert.ok(seen(files).includes('HF-DHCP-OTHER'));
  assert.ok(!seen(without).includes('HF-DHCP-OTHER'), 'no lease of IPv4');
});

test('lease holders: a dhcpcd of all interfaces also holds those on which it heard a router', (t) => {
  const printed = (name: string) =>
    `reason=ROUTERADVERT\ninterface=${name}\nprotocol=ra\nnd1_from=fe80::1\nnd1_lifetime=600\n`;
  const files = { ...LINKS, 'var/lib/dhcpcd/eth1.lease': '', ...SIX(['eth0', '00', '200'], ['eth1', '00', '200']) };
  const others = { dhcpcd: { 7: ['dhcpcd: [manager] [ip4] [ip6]'] } };
  const seen = (answer: object) => holders(t, { files, others, programs: { dhcpcd: answer } });
  assert.deepEqual(seen({ stdout: printed('eth0') }), ['dhcpcd[7] on eth1, eth0']);
  assert.deepEqual(seen({ stdout: printed('eth9') }), ['dhcpcd[7] on eth1'], 'it heard none there');
  assert.deepEqual(seen({ status: 1 }), ['dhcpcd[7] on eth1'], 'it does not say');
});

test('lease holders: a dhclient that NetworkManager runs is not one of its own', (t) => {
  const dhclients = {
    5: 'dhclient -sf /usr/lib/NetworkManager/nm-dhcp-helper eth0',
    6: 'dhclient eth1',
    7: 'dhclient',
  };
  assert.deepEqual(holders(t, { dhclients }), ['dhclient[6] on eth1', 'dhclient[7] on all interfaces']);
});

test('lease holders: dhclient is idle only where another program holds the lease, and no dhclient ever had one', (t) => {
  const files = { ...LINKS, 'run/systemd/netif/leases/2': '' };
  const others = { 'systemd-network': { 9: '/lib/systemd/systemd-networkd' } };
  const idle = (patient: Patient) => {
    const host = patientHost(t, patient);
    return dhclientIdle(host, () => leaseHolders(host));
  };
  assert.equal(idle({ files, others }), true);
  assert.equal(idle({ files: LINKS, others }), false, 'nobody has a lease');
  assert.equal(idle({ files, others, dhclients: { 5: 'dhclient eth1' } }), false);
  assert.equal(idle({ files, others, live: false }), false, 'processes were not looked at');
  const leases = (text: string) => ({ ...files, 'var/lib/dhcp/dhclient.eth1.leases': text });
  const lease = 'lease {\n  interface "eth1";\n  fixed-address 10.0.0.9;\n}\n';
  assert.equal(idle({ files: leases(lease), others }), false, 'it may come back');
  assert.equal(idle({ files: leases(''), others }), true);
});

test('lease holders: two programs on one interface are named, with their process ids', (t) => {
  const others = { dhcpcd: { 49: ['dhcpcd: eth0 [ip4]'] } };
  const both = { files: LINKS, others, dhclients: { 5: 'dhclient eth0' } };
  assert.match(
    contested(leaseHolders(patientHost(t, both)), 'dhcpcd') ?? '',
    /^eth0 is served by dhclient\[5\] and dhcpcd\[49\]:/,
  );
  const seen = seenBy(t, dhcpClientsCheck, both).filter(({ code }) => code === 'HF-LEASE-CONTESTED');
  assert.deepEqual(
    seen.map((one) => one.seen),
    ['dhclient[5] and dhcpcd[49] serve eth0'],
  );

  const everywhere = { files: LINKS, others, dhclients: { 5: 'dhclient' } };
  assert.match(
    contested(leaseHolders(patientHost(t, everywhere)), 'dhcpcd') ?? '',
    /^eth0 is served by dhclient\[5\] and dhcpcd/,
  );
  assert.equal(contested(leaseHolders(patientHost(t, both)), 'NetworkManager'), null, 'it does not run');
  const apart = { files: LINKS, others, dhclients: { 5: 'dhclient eth1' } };
  assert.equal(contested(leaseHolders(patientHost(t, apart)), 'dhcpcd'), null);
  assert.ok(!codes(seenBy(t, dhcpClientsCheck, apart)).includes('HF-LEASE-CONTESTED'));
  const twice = { dhclients: { 5: 'dhclient eth0', 6: 'dhclient eth0' } };
  assert.equal(contested(leaseHolders(patientHost(t, twice)), 'dhclient'), null, 'the same hooks hold both');
});
