/** `dhcp` is for whatever client takes the lease; dhclient takes it too, and its own section wins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writtenIn } from '../../../agent/clients/dhclient/written-in.ts';
import { dhcpSettings } from '../../../agent/clients/dhcp-settings.ts';
import { load } from '../../parts/config-memory.ts';
import { desiredOf } from '../../parts/doctor-patient.ts';

const BOTH = `
dns: { search: [a.example] }
dhcp:
  supersede: { ntp-servers: [10.0.0.1], routers: [10.0.0.2], host-name: web }
  request: { without: [interface-mtu], also: [nis-domain] }
  ignore: [classless-routes, router-advertisements]
  interfaces: { eth1: { ignore: [routers] } }
dhclient:
  supersede: { ntp-servers: [10.0.0.9] }
  request: { also: [interface-mtu] }
  ignore: [routers]
  interfaces: { eth1: { supersede: { interface-mtu: 1400 } } }
`;

test('dhcp section: other clients get it without dns and without dhclient', () => {
  const { dhcp } = desiredOf(BOTH);
  assert.deepEqual(
    dhcpSettings(dhcp).map(({ setting, values }) => `${setting} ${values.join(' ')}`),
    [
      'dhcp.supersede.ntp-servers 10.0.0.1',
      'dhcp.supersede.routers 10.0.0.2',
      'dhcp.supersede.host-name web',
      'dhcp.request.without interface-mtu',
      'dhcp.request.also nis-domain',
      'dhcp.ignore classless-routes router-advertisements',
      'dhcp.interfaces.eth1.ignore routers',
    ],
  );
});

test('dhcp section: dhclient adds its own section, which wins', () => {
  const { dhclient } = desiredOf(BOTH);
  const { supersede, request, ignore } = dhclient.global;
  assert.deepEqual(Object.fromEntries(supersede), {
    'domain-search': ['a.example'],
    'dhcp6.domain-search': ['a.example'],
    'ntp-servers': ['10.0.0.9'],
    'host-name': ['web'],
  });
  assert.deepEqual(request, { without: [], also: ['nis-domain', 'interface-mtu'] });
  assert.deepEqual(ignore, ['classless-routes', 'routers'], 'the kernel takes router advertisements, not dhclient');
  const eth1 = [...dhclient.interfaces].map(([name, one]) => [name, Object.fromEntries(one.supersede), one.ignore]);
  assert.deepEqual(eth1, [['eth1', { 'interface-mtu': ['1400'] }, ['routers']]]);
});

test('dhcp section: ignored router advertisements are ignored by the kernel also, whichever client runs', () => {
  const held = (text: string) =>
    desiredOf(text).sysctl.map(({ path, want, setting }) => `${path} ${'value' in want && want.value} ${setting}`);
  assert.deepEqual(held('dhcp: { ignore: [router-advertisements] }'), [
    'net/ipv6/conf/default/accept_ra 0 dhcp.ignore.router-advertisements',
    'net/ipv6/conf/*/accept_ra 0 dhcp.ignore.router-advertisements',
  ]);
  const ofEth1 = 'dhcp: { ignore: [routers], interfaces: { eth1: { ignore: [router-advertisements] } } }';
  assert.deepEqual(held(ofEth1), ['net/ipv6/conf/eth1/accept_ra 0 dhcp.interfaces.eth1.ignore.router-advertisements']);
});

test('dhcp section: status names the section in which the operator wrote a setting', () => {
  const both = desiredOf(BOTH);
  assert.equal(writtenIn(both, null, 'supersede.host-name'), 'dhcp');
  assert.equal(writtenIn(both, null, 'supersede.ntp-servers'), 'dhclient');
  assert.equal(writtenIn(both, null, 'request.also.nis-domain'), 'dhcp');
  assert.equal(writtenIn(both, null, 'request.also.interface-mtu'), 'dhclient');
  assert.equal(writtenIn(both, null, 'request.also'), 'dhclient', 'a part of the list is only there');
  assert.equal(writtenIn({ ...both, dhclient: both.dhcp }, null, 'request.also'), 'dhcp');
  assert.equal(writtenIn(both, null, 'ignore'), 'dhclient');
  assert.equal(writtenIn(both, 'eth1', 'ignore'), 'dhcp');
  assert.equal(writtenIn(both, 'eth1', 'supersede.interface-mtu'), 'dhclient');
  assert.equal(writtenIn(both, 'eth2', 'ignore'), 'dhclient');
});

test('dhcp section: contradictions are errors, as in dhclient', async () => {
  const refused = async (text: string) => {
    const loaded = await load(text);
    return loaded.ok ? [] : loaded.errors.map(({ message }) => message);
  };
  const cases: [string, RegExp][] = [
    ['dns: { search: [a] }\ndhcp: { supersede: { domain-search: b } }', /dns\.search sets this already/],
    ['dhcp: { interfaces: { eth0: { supersede: { domain-search: b } } } }', /the host has one resolv\.conf/],
    ['dhcp: { request: { without: [routers], also: [routers] } }', /is also listed under without/],
    ['dhcp: { supersede: { routers: 10.0.0.1 }, ignore: [routers] }', /supersede sets routers; keep one/],
    ['dhcp: { supersede: { ntp-servers: x } }', /write an IPv4 address/],
    ['dhclient: { ignore: [router-advertisements] }', /classless-routes/],
    [
      'dhcp: { ignore: [router-advertisements] }\nsysctl: { net.ipv6.conf.eth0.accept_ra: 2 }',
      /dhcp\.ignore of router-advertisements sets this to 0 already/,
    ],
    [
      'dhcp: { interfaces: { eth0: { ignore: [router-advertisements] } } }\nsysctl: { net.ipv6.conf.eth0.accept_ra: 2 }',
      /dhcp\.interfaces\.eth0\.ignore of router-advertisements sets this/,
    ],
    ['hold: nothing\ndhcp: { ignore: [routers] }', /dhcp is configured/],
  ];
  for (const [text, message] of cases) {
    const found = await refused(text);
    assert.ok(
      found.some((one) => message.test(one)),
      `${text}: ${found.join('; ') || 'no error'}`,
    );
  }
});
