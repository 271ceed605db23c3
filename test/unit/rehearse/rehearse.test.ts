/** What surrounds a rehearsal: whose lease, which network, what is wanted, which sysctl wins. The play itself: test/lab/rehearse*.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { bootSysctls } from '../../../agent/rehearse/boot-sysctls.ts';
import { type HeldByDhclient, heldBy, heldInterfaces } from '../../../agent/rehearse/held-interfaces.ts';
import { judgeRehearsal, type RehearsalOutcome } from '../../../agent/rehearse/judge.ts';
import { leaseOf } from '../../../agent/rehearse/lease.ts';
import { variablesOf } from '../../../agent/rehearse/lease-events.ts';
import { LIVE_STAGE_SCRIPT } from '../../../agent/rehearse/live-stage-script.ts';
import { parseAddresses, parseRoutes } from '../../../agent/rehearse/network.ts';
import { answerAs, makeNetwork, routeLine } from '../../../agent/rehearse/network-commands.ts';
import { farSide6, makeNetwork6 } from '../../../agent/rehearse/network6.ts';
import { STAGE_SCRIPT } from '../../../agent/rehearse/script-stage-script.ts';
import { composeResolvConf } from '../../../agent/resolver/resolv-conf.ts';
import { accepted } from '../../parts/accepted.ts';
import { dns } from '../../parts/desired.ts';
import { patientHost } from '../../parts/doctor-patient.ts';
import { missing, scratch } from '../../parts/scratch.ts';
import { SHELLS } from '../../parts/shells.ts';

const LEASE = (iface: string, address: string) =>
  `lease {\n  interface "${iface}";\n  fixed-address ${address};\n  option routers 10.0.0.1;\n}\n`;

test('rehearse: the stages’ scripts are sh for every shell, and shellcheck has nothing to say', (t) => {
  const checks = {
    ...Object.fromEntries(Object.values(SHELLS).map((shell) => [shell, [...shell.split(' '), '-n']])),
    shellcheck: ['shellcheck', '--shell=sh', '--severity=style', '--exclude=SC2154', '-'],
  };
  for (const [name, [program = '', ...args]] of Object.entries(checks)) {
    const why = missing(program);
    if (why) t.diagnostic(`not by ${name}: ${why}`);
    else {
      for (const script of [STAGE_SCRIPT, LIVE_STAGE_SCRIPT]) {
        const input = `#!/bin/sh\nset -eu\n${script}`;
        const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
        assert.equal(status, 0, `${name}: ${stdout}${stderr}`);
      }
    }
  }
});

test('rehearse: without a running dhclient the lease file says whose lease it is', (t) => {
  const root = scratch(t, {
    'var/lib/dhcp/dhclient.eth0.leases': LEASE('eth0', '10.0.0.5') + LEASE('gone0', '10.0.0.6'),
    'var/lib/dhcp/dhclient6.eth0.leases': 'lease6 {\n  interface "eth0";\n}\n',
    'sys/class/net/eth0/mtu': '1500\n',
    'sys/class/net/eth1/mtu': '1500\n',
    'run/holdfast/lease.eth0': 'reason=BOUND\tinterface=eth0\tpid=7\tip_address=10.0.0.9\texpiry=1795341345\n',
  });
  const host = new Host({ root });
  const held = heldInterfaces(host, null) as HeldByDhclient[];
  assert.deepEqual(
    held.map(({ interface: name, client }) => [name, client.pid, client.leaseFile]),
    [['eth0', 0, '/var/lib/dhcp/dhclient.eth0.leases']],
  );
  assert.equal(leaseOf(host, held[0]!.client, 'eth0').lease.address, '10.0.0.5', 'before what the hook recorded');
  assert.throws(() => heldInterfaces(host, 'eth1'), {
    message:
      'only leases of dhclient, dhcpcd, systemd-networkd, NetworkManager and udhcpc can be rehearsed, and eth1 has none, present or past',
  });
});

test('rehearse: the lease of another client than dhclient is found with its process', (t) => {
  const host = patientHost(t, {
    files: { 'sys/class/net/eth0/ifindex': '2\n', 'run/NetworkManager/devices/2': '[dhcp4]\n' },
    others: { NetworkManager: { 4: '/usr/sbin/NetworkManager' } },
  });
  assert.deepEqual(heldInterfaces(host, null).map(heldBy), ['NetworkManager[4] on eth0']);
  assert.throws(() => heldInterfaces(host, 'eth1'), /eth1 has none, present or past$/);
});

test('rehearse: a dhclient that NetworkManager runs holds the lease, not NetworkManager as well', (t) => {
  const files = { 'sys/class/net/eth0/ifindex': '2\n', 'run/NetworkManager/devices/2': '[dhcp4]\n' };
  const words = (script: string) => `dhclient -4 -sf ${script} eth0`;
  const held = (script: string) =>
    heldInterfaces(
      patientHost(t, {
        files,
        dhclients: { 7: words(script) },
        others: { NetworkManager: { 4: '/usr/sbin/NetworkManager' } },
      }),
      null,
    );
  assert.deepEqual(held('/usr/libexec/nm-dhcp-helper').map(heldBy), ['dhclient[7] on eth0']);
  assert.throws(() => held('/sbin/dhclient-script'), /two clients hold eth0/);
});

test('rehearse: the hook’s record counts where dhclient’s file is gone', (t) => {
  const root = scratch(t, {
    'run/holdfast/lease.eth0':
      'reason=BOUND\tinterface=eth0\tpid=7\tip_address=10.0.0.9\tsubnet_mask=255.0.0.0\tdomain_name_servers=10.0.0.1 10.0.0.2\tdomain_name=?\texpiry=1795341345\n',
  });
  const client = {
    family: 4,
    interfaces: ['eth0'],
    confFile: '/etc/dhcp/dhclient.conf',
    leaseFile: '/gone',
    script: null,
  } as const;
  const { lease } = leaseOf(
    new Host({ root }),
    { ...client, owner: null, pid: 0, arguments: [], started: 0, sinceBoot: 0 },
    'eth0',
  );
  assert.equal(lease.address, '10.0.0.9');
  assert.equal(lease.expire, 1795341345000);
  assert.deepEqual(
    [...lease.options],
    [
      ['subnet-mask', '255.0.0.0'],
      ['domain-name-servers', '10.0.0.1 10.0.0.2'],
    ],
  );
});

test('a start reads dhclient.conf: what it supersedes and asks for, and what of it cannot be known', (t) => {
  const lease = `lease {
  interface "eth0";
  fixed-address 10.0.0.5;
  option subnet-mask 255.255.255.0;
  option routers 10.0.0.1;
  option domain-name "old.example";
  option domain-name-servers 10.0.0.1,10.0.0.2;
  option dhcp-lease-time 600;
}
`;
  const started = (conf: string) => {
    const root = scratch(t, {
      'var/lib/dhcp/dhclient.leases': lease,
      'etc/dhcp/dhclient.conf': conf,
      'sys/class/net/eth0/mtu': '',
    });
    const host = new Host({ root });
    const [held] = heldInterfaces(host, 'eth0') as HeldByDhclient[];
    const known = leaseOf(host, held!.client, 'eth0');
    const variables = variablesOf({ ...known, reason: 'REBOOT', interface: 'eth0', pid: 0, now: 0 });
    return { variables, notes: known.notes };
  };
  const { variables, notes } = started('request routers, domain-name-servers; supersede domain-name-servers 10.9.9.9;');
  assert.equal(variables.get('new_domain_name_servers'), '10.9.9.9');
  assert.equal(variables.get('new_routers'), '10.0.0.1');
  assert.equal(variables.get('new_domain_name'), undefined, 'not asked for, not sent');
  assert.equal(variables.get('new_broadcast_address'), '10.0.0.255');
  assert.equal(variables.get('new_expiry'), '600');
  assert.match(notes.join(), /the server's own value of domain-name may have been superseded/);

  const unsure = started(
    'include "/etc/dhcp/more"; interface "eth0" { prepend domain-name-servers 10.8.8.8; } interface "eth1" { default routers 1.2.3.4; }',
  );
  assert.equal(unsure.variables.get('new_domain_name'), 'old.example', 'what an included file asks for is not known');
  assert.match(unsure.notes.join(), /this rehearsal leaves out what its include, prepend would do to the next answer/);
});

test('rehearse: a network is made again as it is', () => {
  const addresses = parseAddresses(
    JSON.stringify([
      {},
      {
        ifname: 'eth0',
        addr_info: [
          {
            family: 'inet',
            local: '10.0.0.5',
            prefixlen: 24,
            broadcast: '10.0.0.255',
            scope: 'global',
            label: 'eth0',
            dynamic: true,
            valid_life_time: 60,
            preferred_life_time: 50,
          },
          {
            family: 'inet',
            local: '10.9.0.1',
            address: '10.9.0.2',
            prefixlen: 32,
            scope: 'link',
            label: 'eth0:p',
            valid_life_time: 4294967295,
            preferred_life_time: 4294967295,
          },
          { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
        ],
      },
    ]),
  );
  const routes = parseRoutes(
    JSON.stringify([
      { dst: 'default', gateway: '10.0.0.1', dev: 'eth0', metric: 100, flags: ['onlink', 'linkdown'] },
      { dst: '10.0.0.1', dev: 'eth0', scope: 'link', protocol: 'static' },
      { dst: '10.0.0.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link', prefsrc: '10.0.0.5', flags: [] },
      { type: 'unreachable', dst: '10.8.0.0/16', protocol: 'static' },
      {
        dst: '10.7.0.0/16',
        protocol: 'static',
        nexthops: [
          { gateway: '10.0.0.1', dev: 'eth0', weight: 1 },
          { gateway: '10.0.0.2', dev: 'eth0', weight: 3 },
        ],
      },
    ]),
  );
  const links = [
    { name: 'lo', index: 1, up: true, mtu: 65536, mac: null },
    { name: 'eth0', index: 7, up: true, mtu: 1400, mac: '02:00:00:00:00:01' },
    { name: 'eth1', index: 9, up: false, mtu: 1500, mac: null },
  ];
  const made = makeNetwork({ links, addresses, routes });
  assert.deepEqual(made.network, [
    'link add name eth0 index 7 mtu 1400 address 02:00:00:00:00:01 type veth peer name peer0 netns peer',
    'link add name eth0 mtu 1400 address 02:00:00:00:00:01 type veth peer name peer0 netns peer',
    'link add name eth1 index 9 mtu 1500 type veth peer name peer1 netns peer',
    'link add name eth1 mtu 1500 type veth peer name peer1 netns peer',
    'link set dev eth0 up',
    'addr add 10.0.0.5/24 broadcast 10.0.0.255 dev eth0 scope global label eth0 valid_lft 60 preferred_lft 50',
    'addr add 10.9.0.1 peer 10.9.0.2/32 dev eth0 scope link label eth0:p',
    'route add 10.0.0.1 dev eth0 proto static scope link',
    'route add unreachable 10.8.0.0/16 proto static',
    'route add default via 10.0.0.1 dev eth0 metric 100 onlink proto boot',
    'route add 10.7.0.0/16 proto static nexthop via 10.0.0.1 dev eth0 weight 1 nexthop via 10.0.0.2 dev eth0 weight 3',
  ]);
  assert.deepEqual(answerAs([accepted('10.0.0.1')], 'eth1', { links, addresses, routes }), [
    'addr add 10.0.0.1/32 dev peer1',
    'route add default dev peer1',
  ]);
});

test('rehearse: what is no word to ip does not become a line of its batch', () => {
  const [route] = parseRoutes(
    JSON.stringify([{ dst: 'default', gateway: '10.0.0.1\nlink del eth0', dev: 'eth0 # x', protocol: 'a b' }]),
  );
  assert.equal(routeLine(route!), 'default');
  assert.deepEqual(parseRoutes(JSON.stringify([{ dst: '10.0.0.0/8; reboot' }, null, 7])), []);
  assert.deepEqual(
    parseAddresses(JSON.stringify([{ ifname: 'eth0', addr_info: [{ family: 'inet', local: 'x' }] }])),
    [],
  );
  assert.throws(() => parseRoutes('Option "-j" is unknown'), { message: /no JSON/ });
});

const WANTED = dns({ nameservers: ['10.0.0.53'] });
const ADDRESS = parseAddresses(
  JSON.stringify([
    {
      ifname: 'eth0',
      addr_info: [{ family: 'inet', local: '10.0.0.5', prefixlen: 24, valid_life_time: 600, scope: 'global' }],
    },
  ]),
);
const ROUTE = parseRoutes(JSON.stringify([{ dst: 'default', gateway: '10.0.0.1', dev: 'eth0' }]));
const GOOD: RehearsalOutcome = {
  interface: 'eth0',
  reason: 'RENEW',
  silent: false,
  status: 0,
  resolvConf: composeResolvConf('', WANTED),
  dns: WANTED,
  addresses: { before: ADDRESS, after: ADDRESS },
  routes: { before: ROUTE, after: ROUTE },
  expected: { addresses: ['10.0.0.5'], seconds: 600 },
};

test('rehearse: what is not as wanted is said, each thing by itself', () => {
  assert.deepEqual(judgeRehearsal(GOOD), []);
  assert.deepEqual(judgeRehearsal({ ...GOOD, resolvConf: 'nameserver 10.0.0.1\n' }), [
    '/etc/resolv.conf: nameserver 10.0.0.1, wanted 10.0.0.53',
  ]);
  assert.deepEqual(judgeRehearsal({ ...GOOD, resolvConf: null }), [
    '/etc/resolv.conf: nameserver is missing, wanted 10.0.0.53',
  ]);
  assert.deepEqual(judgeRehearsal({ ...GOOD, resolvConf: 'anything\n', dns: null }), []);
  assert.match(judgeRehearsal({ ...GOOD, status: 2 }).join(), /status 2: dhclient declines the lease/);
  assert.deepEqual(
    judgeRehearsal({ ...GOOD, addresses: { before: ADDRESS, after: [] }, routes: { before: ROUTE, after: [] } }),
    [
      'the address 10.0.0.5/24 of eth0 would be lost or changed',
      'the route default via 10.0.0.1 dev eth0 would be lost or changed',
      'eth0 would not have its address 10.0.0.5',
    ],
  );
  assert.deepEqual(judgeRehearsal({ ...GOOD, expected: { addresses: ['10.0.0.5'], seconds: 7200 } }), [
    'the kernel would take 10.0.0.5/24 away in 600 s, though the lease is good for 7200 s',
  ]);
});

test('rehearse: where dhclient gives the address up, only resolv.conf counts', () => {
  const gone = { addresses: { before: ADDRESS, after: [] }, routes: { before: ROUTE, after: [] }, status: 2 };
  assert.deepEqual(judgeRehearsal({ ...GOOD, ...gone, reason: 'EXPIRE' }), []);
  assert.deepEqual(judgeRehearsal({ ...GOOD, ...gone, reason: 'TIMEOUT', silent: true }), []);
  assert.equal(judgeRehearsal({ ...GOOD, ...gone, reason: 'TIMEOUT' }).length, 4);
  assert.equal(judgeRehearsal({ ...GOOD, ...gone, reason: 'EXPIRE', resolvConf: '' }).length, 1);
});

test('rehearse: the sysctls of the next boot, by the file that wins', (t) => {
  const root = scratch(t, {
    'etc/sysctl.d/10-a.conf':
      'net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\nnet.ipv4.conf.eth9.rp_filter=1\n',
    'etc/sysctl.d/60-holdfast.conf': 'net.ipv4.ip_forward = 1\n',
    'usr/lib/sysctl.d/70-b.conf': 'net.ipv4.ip_forward = 0\n',
    'run/sysctl.d/10-a.conf': 'net.ipv4.ip_forward = 7\n',
  });
  const setting = (path: string, value: string) => ({
    path,
    key: path.replaceAll('/', '.'),
    want: { value },
    optional: false,
  });
  const found = bootSysctls(new Host({ root }), [
    setting('net/ipv4/ip_forward', '1'),
    setting('net/ipv4/conf/eth0/rp_filter', '2'),
    setting('net/ipv4/conf/eth9/rp_filter', '1'),
    setting('net/ipv4/conf/all/rp_filter', '2'),
  ]);
  const rows = found.map(({ key, value, file, line, ok }) => [key, value, file, line, ok]);
  assert.deepEqual(rows, [
    ['net.ipv4.conf.*.rp_filter', '2', '/etc/sysctl.d/10-a.conf', 1, true],
    ['net.ipv4.conf.eth9.rp_filter', '1', '/etc/sysctl.d/10-a.conf', 3, true],
    ['net.ipv4.ip_forward', '0', '/usr/lib/sysctl.d/70-b.conf', 1, false],
    ['net.ipv4.conf.eth0.rp_filter', '2', '/etc/sysctl.d/10-a.conf', 1, true],
    ['net.ipv4.conf.all.rp_filter', null, null, null, false],
  ]);
});

test('rehearse: an IPv6 network is made again as it is, on a link that makes no address of its own', () => {
  const addresses = parseAddresses(
    JSON.stringify([
      {
        ifname: 'eth0',
        addr_info: [
          { family: 'inet', local: '10.0.0.5', prefixlen: 24, scope: 'global' },
          {
            family: 'inet6',
            local: '2001:db8::5',
            prefixlen: 64,
            scope: 'global',
            valid_life_time: 60,
            preferred_life_time: 50,
          },
          { family: 'inet6', local: 'fe80::5', prefixlen: 64, scope: 'link', valid_life_time: 4294967295 },
        ],
      },
    ]),
    6,
  );
  const routes = parseRoutes(
    JSON.stringify([
      { dst: 'default', gateway: 'fe80::1', dev: 'eth0', protocol: 'ra', metric: 1024, pref: 'medium', expires: 9 },
      { dst: '2001:db8:7::/48', dev: 'eth0', protocol: 'static', metric: 1024 },
    ]),
    6,
  );
  assert.deepEqual(makeNetwork6({ addresses, routes }, 'eth0'), [
    'link set dev eth0 addrgenmode none',
    'addr add fe80::5/64 dev eth0 scope link nodad',
    'addr add 2001:db8::5/64 dev eth0 scope global valid_lft 60 preferred_lft 50 nodad',
    'route add 2001:db8:7::/48 dev eth0 proto static metric 1024',
    'route add default via fe80::1 dev eth0 proto ra metric 1024',
  ]);
  assert.deepEqual(farSide6({ addresses, routes }, [accepted('fe80::1'), accepted('fe80::2')], 'peer0'), [
    'link set dev peer0 addrgenmode none',
    'addr add fe80::ffff:1/64 dev peer0 nodad',
    'addr add fe80::1/64 dev peer0 nodad',
    'addr add fe80::2/64 dev peer0 nodad',
  ]);
  assert.deepEqual(
    makeNetwork6({ addresses: [], routes: [] }, 'eth0'),
    [],
    'at a boot the link makes its address itself',
  );
});
