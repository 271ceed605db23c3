/** What the next lease event of each client brings, without Holdfast and with it, by the recorded offer. */
import assert from 'node:assert/strict';
import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaseForecasts } from '../../../agent/clients/holders.ts';
import type { HoldsAtLease } from '../../../agent/clients/lease-forecast.ts';
import { desiredOf, FolderHost } from '../../parts/doctor-patient.ts';
import { networkdHost, READ, YAML } from '../../parts/networkd-host.ts';
import { scratch } from '../../parts/scratch.ts';

const LEASE = 'run/systemd/netif/leases/2';
const OFFER =
  'ADDRESS=10.0.0.9\nROUTER=10.0.0.254\nT1=2min\nDNS=10.0.0.1 10.0.0.2\nNTP=10.0.0.3\nDOMAINNAME=old.example.com\n';
const NETWORK = 'etc/systemd/network/10-lan.network';
const all = () => true;
const none = () => false;

test('forecast of networkd: its files decide what it takes of the offer; ours come only where they are held', async (t) => {
  const drop = { [READ.slice(1)]: '[DHCPv4]\nUseDNS=no\nUseNTP=no\n' };
  const seen = async (network: string, holds: HoldsAtLease) => {
    const host = networkdHost(t, { files: { [LEASE]: OFFER, [NETWORK]: network, ...drop } });
    utimesSync(join(host.root, LEASE), 1000, 1000);
    const [one, ...more] = await leaseForecasts(host, desiredOf(YAML), holds);
    assert.deepEqual(more, []);
    return one!;
  };
  const plain = await seen('[Match]\nName=eth0\n[Network]\nDHCP=yes\n', all);
  const without = { nameservers: ['10.0.0.1', '10.0.0.2'], search: [], routers: ['10.0.0.254'], ntp: ['10.0.0.3'] };
  assert.deepEqual(plain.without, without, 'without the drop-in of ours');
  assert.deepEqual(plain.with, {
    ...without,
    nameservers: ['10.0.0.21', '2001:db8::53'],
    search: ['example.com', 'example.org'],
  });
  assert.deepEqual(
    [plain.program, plain.pid, plain.interface, plain.family, plain.address, plain.renews],
    ['systemd-networkd', 30, 'eth0', 4, '10.0.0.9', 1_120_000],
  );
  const odd = await seen(
    '[Network]\nDNS=10.9.9.9\nDomains=own.example ~.\nNTP=\n[DHCP]\nUseDomains=true\nUseNTP=no\n[DHCPv4]\nUseRoutes=no\n',
    none,
  );
  assert.deepEqual(odd.without, {
    nameservers: ['10.9.9.9', '10.0.0.1', '10.0.0.2'],
    search: ['own.example', 'old.example.com'],
    routers: [],
    ntp: [],
  });
  assert.deepEqual(odd.with, odd.without, 'nothing is held');
  const older = await seen('[Network]\nDHCP=yes\n', (name) => (name === 'dns.search' ? null : ['10.9.9.8']));
  assert.deepEqual(
    [older.with.nameservers, older.with.search],
    [['10.9.9.8'], null],
    'an older hook, and nobody knows',
  );
});

test('forecast of networkd: files that changed after its start make it stale, and the sentence names them', async (t) => {
  const conf = 'etc/systemd/networkd.conf.d/x.conf';
  const files = {
    [LEASE]: OFFER,
    [NETWORK]: '[Network]\nDHCP=yes\n',
    [conf]: '',
    [READ.slice(1)]: '[Network]\nDNS=\n',
  };
  const programs = { journalctl: { stdout: '' } };
  const host = networkdHost(t, { files, programs });
  const [one] = await leaseForecasts(host, desiredOf(YAML), all);
  assert.equal(
    one?.stale,
    `/${NETWORK} changed after its start; systemd-networkd reads it at "networkctl reload"; /${conf} changed after its start; systemd-networkd reads it only at its next start`,
  );
  programs.journalctl.stdout = `{"__REALTIME_TIMESTAMP":"${Date.now()}999","MESSAGE":"eth0: Reconfiguring with"}\n`;
  const [read] = await leaseForecasts(host, desiredOf(YAML), all);
  assert.match(
    read?.stale ?? '',
    /^\/etc\/systemd\/networkd\.conf\.d\/x\.conf changed[^;]*; [^;]*$/,
    'it was reloaded',
  );
  const started = Math.max(...[NETWORK, conf].map((file) => statSync(join(host.root, file)).ctimeMs)) + 1;
  host.processes = () => [{ pid: 30, arguments: ['/lib/systemd/systemd-networkd'], started, sinceBoot: 0 }];
  assert.equal((await leaseForecasts(host, desiredOf(YAML), all))[0]?.stale, null);
});

test('forecast of dhclient: the record of the hook has the offer of both families; else its own lease file', async (t) => {
  const desired = desiredOf(
    'dns: { nameservers: [10.0.0.21] }\ndhclient: { supersede: { ntp-servers: [10.0.0.31] }, interfaces: { eth0: { ignore: [routers] } } }',
  );
  const files = {
    'var/lib/dhcp/dhclient.leases': `lease {
  interface "eth0";
  fixed-address 10.0.0.9;
  option routers 10.0.0.254;
  option domain-name-servers 10.0.0.1,10.0.0.2;
  option domain-search "a.example.", "b.example.";
  renew 2 2001/01/02 10:00:00;
}
`,
  };
  const six = `lease6 {
  interface "eth0";
  ia-na 81:8d:d0:19 {
    starts 978307200;
    renew 300;
    iaaddr 2001:db8::9 {
      starts 978307200;
      max-life 600;
    }
  }
  option dhcp6.name-servers fe80::1;
  option dhcp6.sntp-servers 2001:db8::3;
}
`;
  const dhclients = { 12: 'dhclient -4 eth0', 13: 'dhclient -6 eth0' };
  const own = new FolderHost(scratch(t, files), { dhclients });
  const [lease, ...others] = await leaseForecasts(own, desired, none);
  assert.deepEqual(others, [], 'nothing is known of the lease of DHCPv6');
  assert.deepEqual(lease?.without, {
    nameservers: ['10.0.0.1', '10.0.0.2'],
    search: ['a.example.', 'b.example.'],
    routers: ['10.0.0.254'],
    ntp: [],
  });
  assert.deepEqual(lease?.with, lease?.without);
  assert.equal(lease?.renews, Date.UTC(2001, 0, 2, 10));

  const both = new FolderHost(scratch(t, { ...files, 'var/lib/dhcp/dhclient6.leases': six }), { dhclients });
  const [, lease6] = await leaseForecasts(both, desired, none);
  assert.deepEqual([lease6?.address, lease6?.renews], ['2001:db8::9', 978307500_000]);
  assert.deepEqual(lease6?.without, {
    nameservers: ['fe80::1%eth0'],
    search: [],
    routers: null,
    ntp: ['2001:db8::3'],
  });

  const recorded = {
    ...files,
    'run/holdfast/lease.eth0':
      'reason=RENEW\tinterface=eth0\tpid=12\tdomain_name_servers=10.1.0.1\tntp_servers=10.1.0.3\trouters=10.1.0.254\tdomain_name=b.example\n',
    'run/holdfast/lease6.eth0':
      'reason=RENEW6\tinterface=eth0\tpid=13\tdhcp6_name_servers=2001:db8::1\tdhcp6_domain_search=c.example.\n',
  };
  const host = new FolderHost(scratch(t, recorded), { dhclients });
  const [ipv4, ipv6] = await leaseForecasts(host, desired, all);
  assert.deepEqual(ipv4?.without, {
    nameservers: ['10.1.0.1'],
    search: ['b.example'],
    routers: ['10.1.0.254'],
    ntp: ['10.1.0.3'],
  });
  assert.deepEqual(ipv4?.with, {
    nameservers: ['10.0.0.21'],
    search: ['b.example'],
    routers: [],
    ntp: ['10.0.0.31'],
  });
  assert.deepEqual(
    [ipv6?.family, ipv6?.without.nameservers, ipv6?.without.search, ipv6?.without.routers],
    [6, ['2001:db8::1'], ['c.example.'], null],
  );
});

/** An address of eth0 that the kernel counts a lifetime of. */
const DYNAMIC = { 'proc/net/if_inet6': '20010db8000000000000000000000005 02 40 00 200     eth0\n' };

/** What `networkctl --json=short status` of 257 tells of a lease; 252 has no DHCPv6Client. */
const V6 = (last: number) => ({
  Address: [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last],
  ConfigSource: 'DHCPv6',
});
const TOLD = {
  DNS: [V6(17), { ...V6(18), ConfigSource: 'NDisc' }],
  NTP: [V6(49)],
  SearchDomains: [{ Domain: 'six.example', ConfigSource: 'DHCPv6' }],
  Addresses: [V6(60)],
};

test('forecast of networkd: a DHCPv6 lease is as networkctl tells it, and unknown where it does not', async (t) => {
  const seen = async (answer: string, network = '[Match]\nName=eth0\n[Network]\nDHCP=ipv6\n', more = {}) => {
    const programs = { networkctl: { stdout: answer } };
    return leaseForecasts(networkdHost(t, { files: { [NETWORK]: network, ...more }, programs }), desiredOf(YAML), none);
  };
  const renewal = { DHCPv6Client: { Lease: { Timeout1USec: 3_135_943_687 } } };
  const [one] = await seen(JSON.stringify({ ...TOLD, ...renewal }));
  const values = { nameservers: ['2001:db8::11'], search: ['six.example'], routers: [], ntp: ['2001:db8::31'] };
  assert.deepEqual([one?.family, one?.address, one?.without], [6, '2001:db8::3c', values]);
  assert.equal(typeof one?.renews, 'number');
  const [older] = await seen(JSON.stringify({ ...TOLD, DNS: [] }));
  assert.deepEqual([older?.renews, older?.without.nameservers], [null, null]);
  assert.deepEqual(await seen('unknown option --json'), []);
  const four = '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n';
  assert.deepEqual(await seen(JSON.stringify(TOLD), four), []);
  const [sent] = await seen(JSON.stringify(TOLD), four, DYNAMIC);
  assert.equal(sent?.address, '2001:db8::3c', 'a router sent it to DHCPv6');
});

test('forecast of networkd: router advertisements alone bring their servers and routers', async (t) => {
  const heard = (last: number) => ({ ...V6(last), ConfigSource: 'NDisc' });
  const route = { ConfigSource: 'NDisc', DestinationPrefixLength: 0, Gateway: V6(1).Address };
  const answer = {
    Addresses: [heard(5)],
    Routes: [route, { ...route, DestinationPrefixLength: 64 }],
    DNS: [heard(18)],
    SearchDomains: [{ Domain: 'ra.example', ConfigSource: 'NDisc' }],
  };
  const seen = async (told: object) => {
    const programs = { networkctl: { stdout: JSON.stringify(told) } };
    const files = { [NETWORK]: '[Match]\nName=eth0\n', ...DYNAMIC };
    return leaseForecasts(networkdHost(t, { files, programs }), desiredOf(YAML), none);
  };
  const [one, ...others] = await seen(answer);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [one?.family, one?.address, one?.renews, one?.without],
    [
      6,
      '2001:db8::5',
      null,
      { nameservers: ['2001:db8::12'], search: ['ra.example'], routers: ['2001:db8::1'], ntp: null },
    ],
  );
  // Options by DHCPv6, and the address of an advertisement (the O flag).
  const [options] = await seen({ ...answer, DNS: [V6(17), heard(18)] });
  assert.deepEqual([options?.address, options?.without.nameservers], ['2001:db8::5', ['2001:db8::11']]);
});
