/** What keeps `dhcp.restart: whenSafe` from restarting systemd-networkd. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { networkdLinks } from '../../../agent/clients/networkd/managed-links.ts';
import type { DesiredState } from '../../../agent/config/desired.ts';
import { restartDoubt } from '../../../agent/restart/networkd-doubts.ts';
import { desiredOf, FolderHost } from '../../parts/doctor-patient.ts';
import { FILES, link, OTHERS, STATE } from '../../parts/networkd-host.ts';
import { scratch } from '../../parts/scratch.ts';

const LEASED = '2: eth0    inet 10.0.0.9/24 metric 1024 brd 10.0.0.255 scope global dynamic eth0\n';
const LEASE = { 'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.9\nNETMASK=255.255.255.0\n' };
const PLAIN = '{ request: { also: [interface-mtu] } }';

interface Surroundings {
  version?: number;
  dhcp?: string;
  files?: Record<string, string>;
  /** The lines of `ip`, by its family and object. */
  ip?: Record<string, string>;
}

/** ip(8) answers by the family and the object of the question. */
class RoutedHost extends FolderHost {
  ip: Record<string, string> = {};

  override run(program: string, args: readonly string[], options?: Parameters<FolderHost['run']>[2]) {
    if (program !== 'ip') return super.run(program, args, options);
    const key = args.filter((word) => /^(-[46]|addr|route)$/.test(word)).join(' ');
    return { status: 0, stdout: this.ip[key] ?? '', stderr: '', error: null };
  }
}

function doubt(t: TestContext, { version = 257, dhcp = PLAIN, files = {}, ip = {} }: Surroundings): string | null {
  const network = { 'etc/systemd/network/10-lan.network': '[Network]\nDHCP=yes\n' };
  const root = scratch(t, { ...FILES, [STATE]: link('10.0.0.1'), ...network, ...LEASE, ...files });
  const programs = { networkctl: { stdout: `systemd ${version} (x)\n+PAM\n` } };
  const host = new RoutedHost(root, { others: OTHERS, programs });
  host.ip = { '-4 addr': LEASED, ...ip };
  return restartDoubt(host, desiredOf(`dhcp: ${dhcp}`) as DesiredState, networkdLinks(host));
}

test('restart of networkd: each doubt is a sentence, and without a doubt there is none', (t) => {
  for (const version of [252, 257]) assert.equal(doubt(t, { version }), null);
  const measured = 'only with systemd 252 and 257 a restart was measured to lose nothing; this host has 255';
  assert.equal(doubt(t, { version: 255 }), measured);
  assert.match(doubt(t, { files: { 'sys/class/net/eth0/device/x': '' } }) ?? '', /eth0 may go down/);
  const configuring = link('10.0.0.1').replace('configured', 'configuring');
  assert.match(doubt(t, { files: { [STATE]: configuring } }) ?? '', /eth0 is not configured now/);
  for (const dhcp of ['{ ignore: [routers] }', '{ request: { without: [static-routes] } }']) {
    assert.match(doubt(t, { dhcp }) ?? '', /may remove routes of the present lease/);
  }
  const route = { '-4 route': 'default via 10.0.0.1 proto static metric 50\n' };
  assert.match(doubt(t, { ip: route }) ?? '', /route default via 10/);
});

test('restart of networkd: an address of no lease and of no .network file is a doubt', (t) => {
  const with9 = (network: string) =>
    doubt(t, {
      files: { 'etc/systemd/network/10-lan.network': `[Network]\nDHCP=ipv4\n${network}` },
      ip: {
        '-4 addr': `${LEASED}2: eth0    inet 192.0.2.9/32 scope global eth0\n`,
        '-4 route': 'local 192.0.2.9 table local proto kernel scope host src 192.0.2.9\n',
      },
    });
  const foreign = '192.0.2.9 on eth0 is of no lease and of no .network file: a start of systemd-networkd may remove it';
  assert.equal(with9(''), foreign);
  assert.equal(with9('Address=192.0.2.9/32\n'), null);
  assert.equal(with9('[Address]\nAddress=192.0.2.9\n'), null);
  assert.equal(with9('Address=192.0.2.9/32\nAddress=\n'), foreign, 'an empty assignment forgets');
  assert.equal(with9('[Neighbor]\nAddress=192.0.2.9\n'), foreign, 'the address of another host');
  assert.match(
    doubt(t, { files: { 'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.8\n' } }) ?? '',
    /^10\.0\.0\.9 on eth0/,
  );
});

test('restart of networkd: an IPv6 address is a doubt, whoever gave it', (t) => {
  const ip = { '-6 addr': '2: eth0    inet6 2001:db8::9/64 scope global dynamic mngtmpaddr noprefixroute\n' };
  for (const version of [252, 257]) {
    const why = 'eth0 has the IPv6 address 2001:db8::9, and a restart was measured to lose nothing only with IPv4';
    assert.equal(doubt(t, { version, ip }), why);
  }
});

test('restart of networkd: a plain resolv.conf that names the stub of systemd-resolved is a doubt', (t) => {
  const named = (server: string) => doubt(t, { files: { 'etc/resolv.conf': `nameserver ${server}\n` } });
  assert.match(
    named('127.0.0.53') ?? '',
    /no name servers .* \/etc\/resolv\.conf names 127\.0\.0\.53; with other servers/,
  );
  assert.match(named('127.0.0.54') ?? '', /names 127\.0\.0\.54/);
  assert.equal(named('10.0.0.1'), null);
});
