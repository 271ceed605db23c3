/** Doctor on running dhclients: two on one interface, stale, without hooks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dhclientConfCheck } from '../../../agent/doctor/checks/dhclient-conf-check.ts';
import { dhcpClientsCheck } from '../../../agent/doctor/checks/dhcp-clients-check.ts';
import { codes, type Patient, seenBy } from '../../parts/doctor-patient.ts';

const SCRIPT = '#!/bin/sh\n. /etc/dhcp/dhclient-enter-hooks\n. /etc/dhcp/dhclient-exit-hooks\n';
const FILES = { 'sbin/dhclient-script': SCRIPT, 'etc/dhcp/dhclient.conf': '' };

test('doctor, dhclient: a host without dhclient has no finding', (t) => {
  assert.deepEqual(codes(seenBy(t, dhcpClientsCheck, {})), ['HF-DHCLIENT-ABSENT']);
});

test('doctor, dhclient: two dhclients of one family on one interface are a problem', (t) => {
  const twice = (...lines: string[]) => {
    const patient: Patient = {
      files: FILES,
      dhclients: Object.fromEntries(lines.map((line, index) => [40 + index, line])),
    };
    return seenBy(t, dhcpClientsCheck, patient).filter(({ code }) => code === 'HF-DHCLIENT-TWICE');
  };
  const [found] = twice('dhclient eth0', 'dhclient -4 -nw eth1 eth0');
  assert.equal(found?.seen, 'dhclient[40] and dhclient[41] serve IPv4 on eth0');
  assert.equal(twice('dhclient eth0', 'dhclient -6 eth0').length, 0);
  assert.equal(twice('dhclient eth0', 'dhclient eth1').length, 0);
  assert.equal(twice('dhclient', 'dhclient eth1').length, 1);
  assert.equal(twice('dhclient eth0', 'dhclient eth0', 'dhclient eth0').length, 3);
});

test('doctor, dhclient: a dhclient that started before its configuration changed is stale, which is a note', (t) => {
  const [found] = seenBy(t, dhcpClientsCheck, { files: FILES, dhclients: { 8: 'dhclient eth0' } });
  assert.equal(found?.code, 'HF-DHCLIENT-STALE');
  assert.match(
    found?.seen ?? '',
    /^dhclient\[8\] on eth0 runs since 2001-01-01T00:00:00Z; \/etc\/dhcp\/dhclient\.conf was/,
  );
});

test('doctor, dhclient: it reports a missing -cf file, a script that sources no hooks, and a dhclient of another program', (t) => {
  const seen = (line: string, files = {}) => {
    const found = seenBy(t, dhcpClientsCheck, { files: { ...FILES, ...files }, dhclients: { 8: line } });
    return codes(found).filter((code) => code !== 'HF-DHCLIENT-STALE');
  };
  assert.deepEqual(seen('dhclient -cf /run/gone.conf eth0'), ['HF-DHCLIENT-CONF']);
  assert.deepEqual(seen('dhclient -cf relative.conf eth0'), []);
  assert.deepEqual(seen('dhclient -sf /opt/script eth0'), ['HF-DHCLIENT-SCRIPT']);
  assert.deepEqual(seen('dhclient -sf /opt/script eth0', { 'opt/script': '. /etc/dhcp/dhclient-enter-hooks' }), [
    'HF-DHCLIENT-SCRIPT',
  ]);
  assert.deepEqual(seen('dhclient -sf /opt/script eth0', { 'opt/script': SCRIPT }), []);
  const ofNm = 'dhclient -sf /usr/libexec/nm-dhcp-helper -cf /var/lib/NetworkManager/dhclient-eth0.conf eth0';
  assert.deepEqual(seen(ofNm), ['HF-DHCLIENT-OWNER']);
});

test('doctor, dhclient: another DHCP client is reported if the settings of dhclient do not reach it', (t) => {
  const leased = { ...FILES, 'sys/class/net/eth0/ifindex': '2\n', 'run/systemd/netif/leases/2': '' };
  const others = { 'systemd-network': { 4: '/lib/systemd/systemd-networkd' } };
  const look = (patient: Patient) => {
    const found = seenBy(t, dhcpClientsCheck, { files: leased, others, ...patient });
    return found.filter(({ code }) => code === 'HF-DHCP-OTHER').map(({ severity, seen }) => `${severity} ${seen}`);
  };
  const networkd = 'systemd-networkd[4] on eth0 holds the lease, and the settings under `dhclient` do not reach it';
  assert.deepEqual(look({}), [`note ${networkd}`], 'without a configuration');
  assert.deepEqual(look({ yaml: 'dns: { nameservers: [10.0.0.1] }' }), []);
  const yaml = 'dhclient: { supersede: { ntp-servers: [10.0.0.2] } }';
  assert.deepEqual(look({ yaml }), [`warning ${networkd}`]);
  assert.deepEqual(look({ yaml, dhclients: { 8: 'dhclient eth1' } }), [`note ${networkd}`], 'a dhclient has them');
  assert.deepEqual(look({ files: FILES, yaml }), [], 'systemd-networkd without a lease');
  assert.deepEqual(look({ others: {}, daemons: { pump: 5 }, yaml: 'dns: { nameservers: [10.0.0.1] }' }), [
    'undefined pump[5] runs, and Holdfast holds nothing with it',
  ]);
});

test('doctor, dhclient: syntax errors of every dhclient.conf are listed by line', (t) => {
  const files = {
    'etc/dhcp/dhclient.conf': '# fine\nsupersede domain-name-servers 10.0.0.1\nsupersede domain-name "a";\n',
    'etc/dhcp/dhclient-eth0.conf': 'request routers;\n',
    'etc/dhclient.conf': 'nonsense here;\n',
    'run/own.conf': 'supersede domain-search a.example;\n',
  };
  const seen = seenBy(t, dhclientConfCheck, { files, dhclients: { 8: 'dhclient -cf /run/own.conf eth0' } });
  assert.ok(seen.every(({ code }) => code === 'HF-CONF-SYNTAX'));
  const places = new Set(seen.map(({ seen }) => seen.split(': ')[0]));
  assert.deepEqual(places, new Set(['/run/own.conf:1', '/etc/dhcp/dhclient.conf:3', '/etc/dhclient.conf:1']));
});

test('doctor, dhclient: included files are checked, and a missing one is reported', (t) => {
  const files = {
    'etc/dhcp/dhclient.conf': 'include "/etc/dhcp/a";\ninterface "eth0" {\n  include "/gone";\n}\n',
    'etc/dhcp/a': '',
  };
  assert.deepEqual(seenBy(t, dhclientConfCheck, { files }), [
    { code: 'HF-CONF-INCLUDE', seen: '/etc/dhcp/dhclient.conf:1: include "/etc/dhcp/a"' },
    {
      code: 'HF-CONF-INCLUDE',
      seen: '/etc/dhcp/dhclient.conf:3: include "/gone", which does not exist',
      severity: 'problem',
    },
  ]);
});
