/** What the values of kernel settings mean, key by key, and which keys are one variable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meansSame, withoutComment } from '../../../agent/config/sysctl/kinds.ts';
import { atLeastProblem, misfit, sysctlValueProblem } from '../../../agent/config/sysctl/problems.ts';
import {
  setsOthers,
  sysctlSetter,
  sysctlVariable,
  sysctlVariableOrTwin,
} from '../../../agent/config/sysctl/relations.ts';

const PORTS = 'net/ipv4/ip_local_reserved_ports';

/** Pairs of a wanted value and the kernel's form of it. */
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
  ['net/core/somaxconn', '"4096"', '4096'],
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
    ['net/core/rps_default_mask', 'all'],
    ['net/ipv4/tcp_allowed_congestion_control', 'reno,cubic'],
  ] as const) {
    const problem = sysctlValueProblem(path, value) ?? '';
    const [, hint = ''] = /is not .*; write (?:one such as )?"([^"]*)"/.exec(problem) ?? [];
    assert.ok(hint !== '' && sysctlValueProblem(path, hint) === undefined, `${path} ${value}: ${problem}`);
  }
  assert.equal(sysctlValueProblem('net/ipv4/ip_forward', ''), 'is empty; write a value, such as 1');
  assert.equal(sysctlValueProblem(PORTS, ''), undefined);
});

const RANGE = 'net/ipv4/ip_local_port_range';
const RMEM = 'net/ipv4/tcp_rmem';

/** Values that the kernel refuses (measured), each with the meant value. */
const NUMBERS = [
  [RANGE, '1024-65000', '"1024 65000"'],
  [RANGE, '1024,65000', '"1024 65000"'],
  [RANGE, '1024:65000', '"1024 65000"'],
  [RANGE, '65000 1024', '"1024 65000"'],
  [RANGE, '1024 # as ever', '1024'],
  [RANGE, '1024 65536', '"32768 60999"'],
  [RANGE, 'all', '"32768 60999"'],
  ['net/ipv4/ping_group_range', '0 4294967295', '"0 2147483647"'],
  [RMEM, '4096,131072,6291456', '"4096 131072 6291456"'],
  [RMEM, '4096, 131072, 6291456', '"4096 131072 6291456"'],
  [RMEM, '4K 128K 6M', '"4096 131072 6291456"'],
  [RMEM, '4096 131072 6291456 8', '"4096 131072 6291456"'],
  ['net/ipv4/udp_mem', '1;2;3', '"1 2 3"'],
  ['net/core/rmem_max', '16M', '16777216'],
  ['net/core/rmem_max', '16,777,216', '16777216'],
  ['net/core/somaxconn', '4_096', '4096'],
  ['net/core/somaxconn', '4096 8192', '4096'],
  ['net/ipv4/ip_forward', '1;', '1'],
  ['net/ipv4/ip_forward', '+1', '1'],
  ['net/ipv4/tcp_keepalive_time', '30s', 'a whole number, without a unit'],
  ['kernel/printk', '4,4,1,7', '"4 4 1 7"'],
] as const;

test('sysctl kinds: numbers that the kernel would refuse, or read half, get a hint that it takes', () => {
  for (const [path, value, hint] of NUMBERS) {
    const problem = sysctlValueProblem(path, value);
    assert.ok(problem?.endsWith(`; write ${hint}`), `${path} ${value}: ${problem}`);
    if (/\d/.test(hint)) assert.equal(sysctlValueProblem(path, hint.replaceAll('"', '')), undefined, hint);
  }
  for (const [path, value] of [
    [RANGE, '0x400\t65000'],
    [RANGE, '1024'],
    [RMEM, '4096 131072 6291456 # measured'],
    [RMEM, '4096 131072'],
    ['net/ipv4/ip_forward', '1 # router'],
    ['net/ipv4/tcp_congestion_control', '0x'],
    ['net/ipv4/of_a_later_kernel', 'word'],
    ['net/netfilter/of_a_module', '1 2 3'],
    ['vm/lowmem_reserve_ratio', '256 256 32'],
  ] as const)
    assert.equal(sysctlValueProblem(path, value), undefined, `${path} ${value}`);
});

test('sysctl kinds: a lower bound is for keys that hold one number', () => {
  assert.match(atLeastProblem(RMEM) ?? '', /holds 3; write value: "4096 131072 6291456"$/);
  assert.match(atLeastProblem('net/ipv4/tcp_congestion_control') ?? '', /this key holds none/);
  for (const path of ['net/core/rmem_max', 'net/netfilter/nf_conntrack_max', 'net/ipv4/neigh/eth0/locktime'])
    assert.equal(atLeastProblem(path), undefined, path);
});

test('sysctl kinds: what the running kernel shows tells how many numbers it takes', () => {
  assert.match(misfit('net/rxrpc/new_key', '1\t2', '1-2') ?? '', /holds there \(2 numbers, now "1 2"\)$/);
  assert.match(misfit('net/ipv4/ip_forward', '0', 'router') ?? '', /one number, now "0"/);
  assert.match(misfit('net/ipv4/ip_forward', '0', '1 1') ?? '', /one number/);
  for (const [path, shown, wanted] of [
    ['net/ipv4/ip_forward', '0', '1 # router'],
    [RMEM, '1 2 3', '4 5'],
    ['net/core/default_qdisc', 'fq', 'pfifo_fast'],
    ['net/ipv4/tcp_congestion_control', 'bbr', 'cubic'],
    ['kernel/core_pattern', '1', '|/bin/x'],
  ] as const)
    assert.equal(misfit(path, shown, wanted), null, path);
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
    ['net/ipv4/route/gc_min_interval', 'net/ipv4/route/gc_min_interval_ms'],
    ['net/nf_conntrack_max', 'net/netfilter/nf_conntrack_max'],
    ['vm/overcommit_ratio', 'vm/overcommit_kbytes'],
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
