import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonCause, kernelCause } from '../../probes/memory-errors/causes.ts';

/** As kernels write them, without the severity and time. */
const KERNEL: [string, string[]][] = [
  [
    'route-cache-full',
    [
      'Route cache is full: consider increasing sysctl net.ipv[4|6].route.max_size.',
      'Route cache is full: consider increasing sysctl net.ipv6.route.max_size.',
      'dst_alloc: Route cache is full: consider increasing sysctl net.ipv6.route.max_size.',
    ],
  ],
  [
    'neighbour-overflow',
    [
      'neighbour: arp_cache: neighbor table overflow!',
      'neighbour: ndisc_cache: neighbor table overflow!',
      'net_ratelimit: Neighbour table overflow.',
      'IPv6: Neighbour table overflow',
    ],
  ],
  [
    'out-of-memory',
    [
      'Out of memory: Killed process 812 (bgpd) total-vm:1048576kB, anon-rss:1000000kB, file-rss:0kB, shmem-rss:0kB',
      'Out of memory: Kill process 812 (bgpd) score 906 or sacrifice child',
      'Out of memory (oom_kill_allocating_task): Killed process 812 (bgpd) total-vm:1048576kB',
      'Kernel panic - not syncing: Out of memory and no killable processes...',
      'Kernel panic - not syncing: System is deadlocked on memory: Out of memory',
    ],
  ],
  [
    'cgroup-out-of-memory',
    [
      'Memory cgroup out of memory: Killed process 812 (bgpd) total-vm:1048576kB, anon-rss:20000kB',
      'Memory cgroup out of memory: Kill process 812 (bgpd) score 1906 or sacrifice child',
    ],
  ],
  [
    'page-allocation-failure',
    [
      'zebra: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null)',
      'swapper/0: page allocation failure. order:0, mode:0x20',
    ],
  ],
  ['tcp-out-of-memory', ['TCP: out of memory -- consider tuning tcp_mem', 'Out of socket memory']],
  ['udp-out-of-memory', ['UDP: out of memory']],
  [
    'conntrack-full',
    [
      'nf_conntrack: nf_conntrack: table full, dropping packet',
      'nf_conntrack: table full, dropping packet.',
      'ip_conntrack: table full, dropping packet.',
      'nf_conntrack: nf_conntrack: table full in netns 4026531840, dropping packet',
    ],
  ],
  [
    'ecc-corrected',
    [
      'EDAC MC0: 1 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x8d46f0 offset:0xa80)',
    ],
  ],
  [
    'ecc-uncorrected',
    [
      'EDAC MC1: 1 UE memory read error on any memory (page:0x0 offset:0x0 grain:64)',
      'Memory failure: 0x8d46f0: recovery action for dirty LRU page: Recovered',
    ],
  ],
];

test('every message has its cause', () => {
  for (const [cause, texts] of KERNEL) for (const text of texts) assert.equal(kernelCause(text), cause, text);
});

test('the other lines of one kill, and what only speaks of memory, are no causes', () => {
  for (const text of [
    'bgpd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
    'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/bgp,task=bgpd,pid=812,uid=0',
    'Killed process 812 (bgpd) total-vm:1048576kB, anon-rss:1000000kB, file-rss:0kB',
    'oom_reaper: reaped process 812 (bgpd), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB',
    'Memory: 3891260K/4193784K available',
    'EDAC MC: Ver: 3.0.0',
    'EDAC MC0: Giving out device to module skx_edac',
    'TCP established hash table entries: 32768',
    'nf_conntrack: default automatic helper assignment has been turned off',
    '',
  ])
    assert.equal(kernelCause(text), null, text);
});

const DAEMON: [string, string[]][] = [
  [
    'route-add-failed',
    [
      'Aug 3 07:12:44 gw1 routed[9542]: krt_send: KRT SEND ADD 10.1.0.0 mask 255.255.0.0 router 10.9.0.1: Cannot allocate memory',
      '2026/08/03 07:12:44 ZEBRA: [EC 4043309093] netlink-dp (NS 0) error: Cannot allocate memory, type=RTM_NEWROUTE(24), seq=812, pid=2',
      '2026/08/03 07:12:44 ZEBRA: netlink-dp (NS 0) error: No buffer space available, type=RTM_NEWNEXTHOP(104), seq=9, pid=2',
      '2026-08-03 07:12:44.001 <WARN> Netlink: Cannot allocate memory',
      'bird[812]: Netlink: No buffer space available',
    ],
  ],
  [
    'netlink-overrun',
    [
      '2026/08/03 07:12:44 ZEBRA: [EC 4043309103] netlink-listen (NS 0) recvmsg overrun: No buffer space available',
      'bird: Kernel dropped some netlink messages, will resync on next scan.',
    ],
  ],
  [
    'daemon-out-of-memory',
    ['BGP: out of memory: failed to allocate 128 bytes for BGP Attr object', 'fork: Cannot allocate memory'],
  ],
];

test('what routing daemons log', () => {
  for (const [cause, lines] of DAEMON) for (const line of lines) assert.equal(daemonCause(line), cause, line);
  for (const line of ['', 'neighbor 10.0.0.1 Up', 'KRT SEND ADD 10.1.0.0: File exists', 'memory limit is 4 GB'])
    assert.equal(daemonCause(line), null, line);
});
