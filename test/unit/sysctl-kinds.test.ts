/** What the values of kernel settings mean, key by key, and which keys are one variable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretSysctl, meansSame, sysctlKindProblem, withoutComment } from '../../agent/config/sysctl-kinds.ts';
import { setsOthers, sysctlSetter, sysctlVariable, sysctlVariableOrTwin } from '../../agent/config/sysctl-relations.ts';

const PORTS = 'net/ipv4/ip_local_reserved_ports';

/** As it is wanted, and as the kernel shows it. */
const SAME = [
  ['net/ipv4/tcp_rmem', '4096 131072 6291456', '4096\t131072\t6291456'],
  ['net/ipv4/tcp_rmem', '0x1000 131072', '4096\t131072\t6291456'],
  ['net/ipv4/ip_forward', '1 # router', '1'],
  ['net/ipv4/ip_forward', '01', '1'],
  ['net/ipv4/tcp_fastopen', '0403', '259'],
  ['net/ipv4/vs/timeout', '-0x10', '-16'],
  ['net/ipv4/tcp_congestion_control', 'bbr', 'bbr'],
  ['kernel/core_pattern', '|/bin/x  %p', '|/bin/x %p'],
  [PORTS, '8081,8080,30000-30010,30011', '8080-8081,30000-30011'],
  [PORTS, '5-5,0x10,6', '5-6,16'],
  [PORTS, '', ''],
  ['net/ipv6/icmp/ratemask', '3-127,0,1', '0-1,3-127'],
  ['kernel/watchdog_cpumask', '0,1,2,3', '0-3'],
  ['net/ipv4/tcp_allowed_congestion_control', 'cubic reno', 'reno cubic'],
  ['net/core/rps_default_mask', '00000003', '3'],
  ['net/core/flow_limit_cpu_bitmap', '1,0', '00000001,00000000'],
  ['net/core/rps_default_mask', '', '0'],
  [
    'net/ipv4/tcp_fastopen_key',
    '1-2-3-A,0-0-0-1',
    '00000001-00000002-00000003-0000000a,00000000-00000000-00000000-00000001',
  ],
  ['net/ipv6/conf/eth0.5/stable_secret', '2001:DB8::1', '2001:0db8:0000:0000:0000:0000:0000:0001'],
  ['net/ipv6/conf/all/stable_secret', '::ffff:1.2.3.4', '0000:0000:0000:0000:0000:ffff:0102:0304'],
  ['net/ipv4/neigh/eth0/base_reachable_time_ms', '1231', '1232'],
  ['net/ipv6/neigh/default/retrans_time_ms', '1001', '1010'],
  ['net/ipv6/route/gc_min_interval_ms', '501', '504'],
  ['net/ipv6/conf/eth0/mldv2_unsolicited_report_interval', '1001', '1004'],
  ['net/ipv4/neigh/eth0/locktime', '33', '32'],
] as const;

const OTHER = [
  ['net/ipv4/tcp_rmem', '4096 131072 6291456', '4096\t131072'],
  ['net/ipv4/tcp_rmem', '40 96', '4096'],
  ['net/ipv4/ip_forward', '1', '0'],
  ['net/ipv4/ip_forward', '1;', '1'],
  ['net/ipv4/tcp_congestion_control', 'bbr', 'cubic'],
  [PORTS, '8080', '8080-8081'],
  [PORTS, '', '8080'],
  ['net/ipv4/tcp_allowed_congestion_control', 'reno', 'reno cubic'],
  ['net/core/rps_default_mask', '1,0', '1'],
  ['net/ipv6/conf/eth0/stable_secret', '2001:db8::1', ''],
  ['net/ipv4/neigh/eth0/base_reachable_time_ms', '1231', '1241'],
  ['net/ipv4/neigh/eth0/base_reachable_time_ms', '1231', '1230'],
  ['net/ipv4/neigh/eth0/locktime', '33', '34'],
] as const;

test('sysctl kinds: what the kernel writes in another form is the same, and nothing else is', () => {
  for (const [path, wanted, actual] of SAME) assert.ok(meansSame(path, wanted, actual), `${path} ${wanted} ${actual}`);
  for (const [path, wanted, actual] of OTHER)
    assert.ok(!meansSame(path, wanted, actual), `${path} ${wanted} ${actual}`);
});

test('sysctl kinds: what the kernel would refuse is an error, with an example', () => {
  for (const [path, value] of [
    [PORTS, '8080, 8081'],
    [PORTS, '8080 8081'],
    [PORTS, '9-7'],
    [PORTS, '70000'],
    [PORTS, '1-2-3'],
    [PORTS, '8080 # x'],
    [PORTS, ','],
    ['net/core/rps_default_mask', '0x1'],
    ['net/ipv4/tcp_fastopen_key', '1-2-3'],
    ['net/ipv6/conf/eth0/stable_secret', '10.0.0.1'],
    ['net/ipv6/conf/eth0/stable_secret', 'fe80::1%eth0'],
  ] as const) {
    assert.match(
      sysctlKindProblem(path, value) ?? '',
      /is not .*; write (one such as|"8080,8081")/,
      `${path} ${value}`,
    );
  }
  assert.equal(sysctlKindProblem('net/ipv4/ip_forward', ''), 'is empty; write a value, such as 1');
  assert.equal(sysctlKindProblem(PORTS, ''), undefined);
  assert.doesNotMatch(sysctlKindProblem('net/ipv6/conf/eth0/stable_secret', 'hush') ?? '', /hush/);
  assert.ok(isSecretSysctl('net/ipv6/conf/eth0/stable_secret') && !isSecretSysctl(PORTS));
});

test('sysctl kinds: a comment behind numbers is none of them, and part of a text', () => {
  assert.equal(withoutComment('net/ipv4/ip_forward', '1 # router'), '1');
  assert.equal(withoutComment('net/ipv4/tcp_rmem', '4096 1 2\t; as said'), '4096 1 2');
  assert.equal(withoutComment('kernel/core_pattern', '|/bin/x # kept'), '|/bin/x # kept');
});

test('sysctl relations: several names of one variable, and what all sets', () => {
  assert.equal(sysctlVariable('net/ipv4/ip_forward'), sysctlVariable('net/ipv4/conf/all/forwarding'));
  assert.notEqual(sysctlVariable('net/ipv4/conf/eth0/forwarding'), sysctlVariable('net/ipv4/ip_forward'));
  for (const [one, other] of [
    ['net/ipv6/neigh/eth0/retrans_time', 'net/ipv6/neigh/eth0/retrans_time_ms'],
    ['net/ipv4/neigh/lo/unres_qlen', 'net/ipv4/neigh/lo/unres_qlen_bytes'],
    ['net/ipv6/route/gc_min_interval', 'net/ipv6/route/gc_min_interval_ms'],
    ['net/mptcp/pm_type', 'net/mptcp/path_manager'],
  ] as const) {
    assert.equal(sysctlVariableOrTwin(one), sysctlVariableOrTwin(other));
  }
  assert.equal(sysctlSetter('net/ipv6/conf/eth0.1/disable_ipv6'), 'net/ipv6/conf/all/disable_ipv6');
  assert.equal(sysctlSetter('net/ipv6/conf/default/addr_gen_mode'), 'net/ipv6/conf/all/addr_gen_mode');
  assert.equal(sysctlSetter('net/ipv4/conf/eth0/forwarding'), 'net/ipv4/conf/all/forwarding');
  for (const path of [
    'net/ipv6/conf/default/force_forwarding',
    'net/ipv4/conf/eth0/ignore_routes_with_linkdown',
    'net/ipv4/conf/eth0/rp_filter',
    'net/ipv6/conf/eth0/accept_ra',
    'net/ipv6/conf/all/disable_ipv6',
  ]) {
    assert.equal(sysctlSetter(path), null, path);
  }
  assert.ok(setsOthers(sysctlVariable('net/ipv4/ip_forward')));
  assert.ok(!setsOthers('net/ipv6/conf/eth0/disable_ipv6') && !setsOthers('net/ipv4/conf/all/rp_filter'));
});
