/** Each message about a memory error has its cause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonCause, kernelCause } from '../../../probes/memory-errors/causes.ts';

/** Lines of real kernels, without severity and time. */
const KERNEL: [string, string[]][] = [
  [
    'route-cache-full',
    [
      'Route cache is full: consider increasing sysctl net.ipv[4|6].route.max_size.',
      'Route cache is full: consider increasing sysctl net.ipv6.route.max_size.',
      'dst_alloc: Route cache is full: consider increasing sysctl net.ipv6.route.max_size.',
      'dst cache overflow',
      'net_ratelimit: 12 callbacks suppressed. ipv4: dst cache overflow',
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
      'SLUB: Unable to allocate memory on node -1, gfp=0x820(GFP_ATOMIC)',
      'SLAB: Unable to allocate memory on node 0 (gfp=0x20)',
      'bird: vmalloc error: size 8388608, failed to allocate pages, mode:0xdc0(GFP_KERNEL|__GFP_ZERO)',
      'insmod: vmalloc: allocation failure: 16777216 bytes',
      'percpu: allocation failed, size=40 align=8 atomic=1, atomic alloc failed, no space left',
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
      'nf_conntrack: expectation table full',
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

test('memory errors: every message has its cause', () => {
  for (const [cause, texts] of KERNEL) for (const text of texts) assert.equal(kernelCause(text), cause, text);
});

test('memory errors: the other lines of one kill, and what only speaks of memory, are no causes', () => {
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
      'bird: Netlink: Out of memory',
      'zebra: netlink-dp (NS 0) error: Out of memory, type=RTM_NEWROUTE(24), seq=812, pid=2',
      'routerd: failed to add route 10.1.0.0/24: Out of memory',
      'routerd: add route 10.1.0.0/24 failed: error 105',
      'ERR swss#orchagent: nexthop group create failed, rv:SAI_STATUS_INSUFFICIENT_RESOURCES',
      'zebra[9]: netlink-cmd error: No buffer space available, type=RTM_NEWROUTE(24), seq=8, pid=0',
      'Keepalived_vrrp[812]: Netlink: error: No buffer space available, type=(24), seq=1785, pid=0',
      'routed: KRT SEND ADD 10.1.0.0 mask 255.255.0.0 router 10.9.0.1: errno 12',
      '[ERROR][62] felix/route_table.go 1223: Failed to add route error=no buffer space available ifaceName="cali1"',
      'exabgp: could not install route 10.0.0.0/8: OSError: [Errno 105] No buffer space available',
      'gobgpd: failed to replace route 10.1.0.0/16: rc=-105',
      'dhcpcd[812]: eth0: if_route (ADD): No buffer space available',
      'rpd[1]: RPD_KRT_Q_RETRIES: Route Update: Cannot allocate memory',
      'ERR syncd#syncd: brcm_sai_create_route_entry:512 L3 route add failed with error Table full (0xfffffffa).',
      'ERR swss#orchagent: :- addRoutePost: Failed to create route 10.1.0.0/24, rv:SAI_STATUS_TABLE_FULL',
      'ERR swss#orchagent: :- addNextHop: Failed to create next hop 10.0.0.1 on Ethernet0, rv:SAI_STATUS_INSUFFICIENT_RESOURCES',
      'ProcessName: %ROUTING-3-HW_RESOURCE_FULL: Hardware resources are insufficient to program all routes',
    ],
  ],
  [
    'neighbour-overflow',
    [
      '2026/08/03 07:12:44 ZEBRA: [EC 4043309093] netlink-dp (NS 0) error: No buffer space available, type=RTM_NEWNEIGH(28), seq=9, pid=2',
      'zebra: netlink-dp (NS 0) error: Cannot allocate memory, type=RTM_NEWNEIGH(28), seq=9, pid=2',
      'ERR syncd#syncd: brcm_sai_create_neighbor_entry: L3 host add failed with error Table full (0xfffffffa).',
      'orchagent: :- addNeighbor: Failed to create neighbor 10.0.0.9 on Vlan1000, rv:SAI_STATUS_TABLE_FULL',
      'keepalived: neighbour table overflow',
      'vxland: cannot add fdb entry 02:00:00:00:00:01: errno=105',
    ],
  ],
  [
    'netlink-overrun',
    [
      '2026/08/03 07:12:44 ZEBRA: [EC 4043309103] netlink-listen (NS 0) recvmsg overrun: No buffer space available',
      'bird: Kernel dropped some netlink messages, will resync on next scan.',
      'Keepalived_vrrp[812]: Netlink: Received message overrun (No buffer space available)',
      'Keepalived_vrrp[812]: Netlink: Receive buffer overrun on monitor socket - (No buffer space available)',
      '[WARNING][62] felix/watch.go 41: Netlink reported an error error=no buffer space available',
      'level=warning msg="Netlink handler received error" error="Receive failed: no buffer space available"',
      'netlink receive: recvmsg: no buffer space available',
      'systemd-networkd[300]: rtnl: kernel receive buffer overrun',
      '<warn> platform-linux: netlink[rtnl]: read: too many netlink events. Need to resynchronize platform cache',
      'ovs|00012|netlink_notifier|WARN|netlink receive buffer overflowed',
      'fpmsyncd: :- readMe: netlink reports out of memory on reading a netlink socket. High possibility of a lost message',
      'bird: nl_get_reply: No buffer space available',
      'dnsmasq[1]: netlink returns error: ENOBUFS',
      'pimd: netlink: recv failed, errno 105',
      'nlbwmon[2548]: Netlink receive failure: Out of memory',
      'nlbwmon[2548]: Unable to dump conntrack: No buffer space available',
      'conntrack: WARNING: We have hit ENOBUFS! We are losing events.',
      'ulogd[9]: We are losing events. Please, consider using the clauses `netlink_socket_buffer_size',
      'dhcpcd[812]: route socket overflowed (rcvbuf size 212992) - learning interface state',
      'hostapd: netlink: recvfrom failed: No buffer space available',
      'bird: Netlink: recvmsg error: No buffer space available',
    ],
  ],
  [
    'daemon-out-of-memory',
    [
      'BGP: out of memory: failed to allocate 128 bytes for BGP Attr object',
      'fork: Cannot allocate memory',
      'bgpd: sendmsg to 10.0.0.1: No buffer space available',
      'zebra: netlink-dp (NS 0) error: No buffer space available, type=RTM_NEWRULE(32), seq=9, pid=2',
      'RTNETLINK answers: No buffer space available',
      'charon: received netlink error: No buffer space available (105)',
      'ospfd: mmap failed, errno=12',
      'exabgp: OSError: [Errno 12] Cannot allocate memory',
      'frr.service: Failed to fork: Out of memory',
    ],
  ],
];

test('memory errors: what routing daemons log', () => {
  for (const [cause, lines] of DAEMON) for (const line of lines) assert.equal(daemonCause(line), cause, line);
  for (const line of [
    '',
    'neighbor 10.0.0.1 Up',
    'KRT SEND ADD 10.1.0.0: File exists',
    'memory limit is 4 GB',
    'RTM_NEWROUTE error 12.0.0.1/32 exists',
    'netlink-dp (NS 0) error: File exists, type=RTM_NEWROUTE(24), seq=12, pid=105',
    'netlink-dp (NS 0) error: No such process, type=RTM_DELROUTE(25), seq=105',
    'BGP: sending routing table full dump to 10.0.0.1, 105 routes, no error',
    'add route 10.105.0.0/16: error code 17',
    'error 105.0.0.1 is unreachable',
    'netlink: read 12 messages, 105 routes added',
    'neighbor 10.0.0.1 error 105:1 community',
    'nlbwmon[2548]: Netlink receive failure: Object busy',
    'nlbwmon[2548]: Unable to dump conntrack: I/O error',
    'nlbwmon[4]: The netlink receive buffer size of 524288 bytes will be capped to 212992 bytes',
  ])
    assert.equal(daemonCause(line), null, line);
});
