/** How `dhclient -6` is rehearsed: its command line, what it remembers, and the offer of its lease file. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { dhclientStage } from '../../../../agent/clients/dhclient/stage.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

const LEASES = `default-duid "\\000\\001";
lease6 {
  interface "eth1";
  ia-na aa:bb:cc:dd {
    starts 1796100410;
    renew 300;
    rebind 500;
    iaaddr 2001:db8::5 {
      starts 1796100410;
      preferred-life 600;
      max-life 600;
    }
  }
  option domain-name-servers 10.0.0.1,10.0.0.2;
  option dhcp6.client-id 0:1:0:1;
  option dhcp6.server-id 0:3:0:1:aa;
  option dhcp6.name-servers 2001:db8::53,fe80::1;
  option dhcp6.domain-search "a.example.", "b.example.";
}
`;

function staged(t: TestContext, line: string, leases = LEASES) {
  const root = scratch(t, {
    'bin/sh': '',
    'sbin/dhclient-script': '#!/bin/sh\n',
    'var/lib/dhcp/l6': leases,
    'etc/dhcp/dhclient.conf': 'supersede domain-name-servers 10.9.9.9;\n',
  });
  const host = new FolderHost(root, { dhclients: { 7: line } });
  return dhclientStage(host, { program: 'dhclient', pid: 7, started: 0, interfaces: ['eth1'] }, 'eth1');
}
const LINE = 'dhclient -1 -6 -pf /run/d6.pid -lf /var/lib/dhcp/l6 -I -df /var/lib/dhcp/l4 eth1';

test('dhclient -6 stage: the foreground, without the record of its process, on one interface', (t) => {
  const { command, offer } = staged(t, LINE);
  assert.equal(
    command.slice(3).join(' '),
    'start eth1 dhclient -6 -lf /var/lib/dhcp/l6 -I -df /var/lib/dhcp/l4 -d --no-pid eth1',
  );
  assert.equal(offer, null);
});

test('dhclient -6 stage: the lease’s options are offered again, to the byte', (t) => {
  const { offer6 } = staged(t, LINE);
  assert.deepEqual([offer6?.address, offer6?.server.toString('hex')], ['2001:db8::5', '00030001aa']);
  assert.deepEqual(
    [...(offer6?.options ?? [])].map(([code, data]) => [code, data.toString('hex')]),
    [
      [23, '20010db8000000000000000000000053fe800000000000000000000000000001'],
      [24, Buffer.from('\x01a\x07example\0\x01b\x07example\0').toString('hex')],
    ],
  );
});

test('dhclient -6 stage: a running one remembers what its lease has, whatever the file says now', (t) => {
  const [conf, leases] = staged(t, LINE).filesRead;
  assert.equal(
    conf?.text,
    'request dhcp6.name-servers, dhcp6.domain-search;\nsupersede domain-name-servers 10.0.0.1,10.0.0.2;\n',
  );
  assert.deepEqual([leases?.path, leases?.text], ['/var/lib/dhcp/l6', 'default-duid "\\000\\001";\n']);
});

test('dhclient -6 stage: without an address or a server, and for -S and -P, it says so', (t) => {
  const none = { message: /has recorded no DHCPv6 lease of eth1$/ };
  assert.throws(() => staged(t, LINE, ''), none);
  assert.throws(() => staged(t, LINE, LEASES.replace(/ {2}option dhcp6.server-id.*\n/, '')), none);
  assert.throws(() => staged(t, LINE, LEASES.replace('0:3:0:1:aa', '0:3:xx')), none);
  assert.throws(() => staged(t, LINE.replace('-6', '-S')), /runs with -S: only addresses of DHCPv6 are rehearsed/);
  assert.throws(() => staged(t, LINE.replace('-6', '-P')), /runs with -P: only addresses of DHCPv6 are rehearsed/);
});
