/** A client's DHCPv6 lease is not on its stage: the rehearsal says so, and gives the reason for the events of DHCPv6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseHolder } from '../../../agent/clients/client.ts';
import { networkdStage } from '../../../agent/clients/networkd/stage.ts';
import { networkManagerStage } from '../../../agent/clients/networkmanager/stage.ts';
import type { StagePlan } from '../../../agent/clients/stage-plan.ts';
import { patientHost } from '../../parts/doctor-patient.ts';
import { networkdHost } from '../../parts/networkd-host.ts';

function saysSo({ cannot, notes }: StagePlan, program: string) {
  const six = `${program} has a DHCPv6 lease of eth0, and the stage has neither DHCPv6 nor router advertisements: their name servers and addresses are missing`;
  assert.ok(notes.includes(six), notes.join('\n'));
  assert.deepEqual([cannot?.RENEW6, cannot?.REBIND6, cannot?.EXPIRE6], [six, six, six]);
}

function saysNothing({ cannot, notes }: StagePlan) {
  assert.deepEqual([cannot?.RENEW6, notes.filter((note) => note.includes('DHCPv6'))], [undefined, []]);
}

test('systemd-networkd’s stage: beside a DHCPv6 lease or advertised name servers it says what the stage lacks', (t) => {
  const holder: LeaseHolder = { program: 'systemd-networkd', pid: 30, started: 0, interfaces: ['eth0'] };
  const plan = (told: unknown) => {
    const files = {
      'run/systemd/netif/leases/2': 'ADDRESS=10.0.0.9\nSERVER_ADDRESS=10.0.0.1\n',
      'usr/lib/systemd/systemd-networkd': '',
      'usr/lib/systemd/systemd-resolved': '',
    };
    return networkdStage(
      networkdHost(t, { files, programs: { networkctl: { stdout: JSON.stringify(told) } } }),
      holder,
      'eth0',
    );
  };
  const address = (source: string, last: number) => ({
    Address: [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last],
    ConfigSource: source,
  });
  const DNS = [address('DHCPv6', 17), address('NDisc', 18)];
  const both = plan({ Addresses: [address('DHCPv6', 60)], DNS });
  saysSo(both, 'systemd-networkd');
  assert.deepEqual(both.advertisedServers, ['2001:db8::12']);
  saysNothing(plan({ Addresses: [address('NDisc', 60)] }));
  assert.deepEqual(plan('no JSON').advertisedServers, []);
});

test('NetworkManager’s stage: beside a DHCPv6 lease it says what the stage lacks', (t) => {
  const holder: LeaseHolder = { program: 'NetworkManager', pid: 812, started: 0, interfaces: ['eth0'] };
  const plan = (more: string) => {
    const files = {
      'usr/sbin/NetworkManager': '',
      'usr/bin/dbus-daemon': '',
      'usr/share/dbus-1/system-services/org.freedesktop.nm_dispatcher.service':
        '[D-BUS Service]\nExec=/nm-dispatcher\n',
      'sys/class/net/eth0/ifindex': '2\n',
      'run/NetworkManager/devices/2': `[device]\nconnection-uuid=u1\n[dhcp4]\ndhcp4.ip_address=10.0.0.9\n${more}`,
      'etc/NetworkManager/system-connections/eth0.nmconnection': '[connection]\nuuid=u1\ntype=ethernet\n',
    };
    const others = { NetworkManager: { 812: 'NetworkManager' } };
    return networkManagerStage(patientHost(t, { files, others }), holder, 'eth0');
  };
  saysSo(plan('[dhcp6]\ndhcp6.ip6_address=2001:db8::9\n'), 'NetworkManager');
  saysNothing(plan(''));
});
