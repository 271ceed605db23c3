/** What NetworkManager has on record of DHCPv6 and router advertisements, and what of it is on a stage. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LeaseHolder } from '../../../../agent/clients/client.ts';
import { managedDevices } from '../../../../agent/clients/networkmanager/profiles.ts';
import { networkManagerSix } from '../../../../agent/clients/networkmanager/recorded-six.ts';
import { networkManagerStage } from '../../../../agent/clients/networkmanager/stage.ts';
import type { RunResult } from '../../../../agent/host/process/run-program.ts';
import { DUAL, IpHost, type Shown } from '../../../parts/ip-host.ts';
import { scratch } from '../../../parts/scratch.ts';

const NM = '/org/freedesktop/NetworkManager';
const bytes = (last: number) => [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
const ANSWERS: Readonly<Record<string, string>> = {
  GetDeviceByIpIface: JSON.stringify({ type: 'o', data: [`${NM}/Devices/2`] }),
  Ip6Config: JSON.stringify({ type: 'o', data: `${NM}/IP6Config/2` }),
  Nameservers: `${JSON.stringify({ type: 'aay', data: [bytes(17), bytes(18), bytes(19)] })}\n${JSON.stringify({ type: 'as', data: ['six.example', 'ra.example'] })}\n`,
};

class ManagedHost extends IpHost {
  says = true;

  override run(program: string, args: readonly string[], options?: Parameters<IpHost['run']>[2]): RunResult {
    if (program !== 'busctl') return super.run(program, args, options);
    const stdout = this.says ? (args.map((word) => ANSWERS[word]).find((one) => one !== undefined) ?? '') : '';
    return { status: stdout === '' ? 1 : 0, stdout, stderr: '', error: null };
  }
}

const DHCP6 =
  '[dhcp6]\ndhcp6.ip6_address=2001:db8::100\ndhcp6.dhcp6_name_servers=2001:db8::11\ndhcp6.dhcp6_domain_search=six.example\n';

function managed(t: TestContext, { dhcp6 = DHCP6, ipv6 = '', shown = DUAL as Shown } = {}) {
  const files = {
    'usr/sbin/NetworkManager': '',
    'usr/bin/dbus-daemon': '',
    'usr/share/dbus-1/system-services/org.freedesktop.nm_dispatcher.service': '[D-BUS Service]\nExec=/nm-dispatcher\n',
    'sys/class/net/eth0/ifindex': '2\n',
    'run/NetworkManager/devices/2': `[device]\nconnection-uuid=u1\n[dhcp4]\ndhcp4.ip_address=10.0.0.9\n${dhcp6}`,
    'etc/NetworkManager/system-connections/eth0.nmconnection': `[connection]\nuuid=u1\ntype=ethernet\n[ipv6]\n${ipv6}`,
  };
  const others = { NetworkManager: { 812: 'NetworkManager' } };
  return new ManagedHost(scratch(t, files), { others }, shown);
}

const sixOf = (host: ManagedHost) => networkManagerSix(host, managedDevices(host)[0]!);

test('NetworkManager, IPv6 on record: servers that neither the lease nor the profile names are advertised', (t) => {
  const { offer6, advertisements, shown, notes } = sixOf(managed(t, { ipv6: 'dns=2001:db8::13;\n' }));
  assert.equal(offer6?.address, '2001:db8::100');
  assert.deepEqual([...(offer6?.options.keys() ?? [])], [23, 24]);
  const [one, ...more] = advertisements;
  assert.deepEqual(
    [one?.managed, one?.servers[0]?.addresses, one?.domains[0]?.names, more],
    [true, ['2001:db8::12'], ['ra.example'], []],
  );
  assert.deepEqual(shown, [
    'ip6_address = 2001:db8::100',
    'dhcp6_name_servers = 2001:db8::11',
    'dhcp6_domain_search = six.example',
    '2001:db8::12',
    'ra.example',
  ]);
  assert.deepEqual(notes, []);
});

test('NetworkManager, IPv6 on record: a lease of options only, and no lease', (t) => {
  const options = sixOf(managed(t, { dhcp6: '[dhcp6]\ndhcp6.dhcp6_name_servers=2001:db8::11\n' }));
  assert.equal(options.offer6?.address, null);
  assert.deepEqual([options.advertisements[0]?.managed, options.advertisements[0]?.other], [false, true]);
  assert.equal(sixOf(managed(t, { dhcp6: '' })).offer6, null);
  assert.deepEqual(sixOf(managed(t, { dhcp6: '', shown: {} })), {
    offer6: null,
    advertisements: [],
    shown: [],
    notes: [],
  });
});

test('NetworkManager, IPv6 on record: what it does not tell is named', (t) => {
  const host = managed(t, { ipv6: 'ignore-auto-dns=true\n' });
  assert.match(sixOf(host).notes.join('\n'), /passes over advertised name servers of eth0/);
  host.says = false;
  assert.match(sixOf(host).notes.join('\n'), /does not say which IPv6 name servers eth0 has/);
});

test('NetworkManager’s stage: a profile that waits for IPv6 is played with IPv6 on record, and refused without', (t) => {
  const holder: LeaseHolder = { program: 'NetworkManager', pid: 812, started: 0, interfaces: ['eth0'] };
  const plan = (host: ManagedHost) => networkManagerStage(host, holder, 'eth0');
  const ipv6 = 'may-fail=false\n';
  const both = plan(managed(t, { ipv6 }));
  assert.deepEqual(both.command.slice(-4, -1), ['2001:db8::100', '45', 'yes']);
  assert.equal(both.events.EXPIRE6?.ends[0], 'FAILED6');
  const slow = plan(managed(t, { ipv6: 'dhcp-timeout=300\n' }));
  assert.equal(slow.events.EXPIRE6?.ends[0], 'LOST6');
  assert.throws(() => plan(managed(t, { ipv6, dhcp6: '', shown: {} })), /waits for IPv6, of which NetworkManager has/);
});
