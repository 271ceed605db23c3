/** What the kernel and routing daemons say when memory ran out somewhere, and what each of it means. */
import type { Severity } from '../probe.ts';

export interface CauseDefinition {
  readonly severity: Severity;
  /** What happened and what to do about it. */
  readonly meaning: string;
}

/** The values of the attribute `cause`: stable, greppable. */
export const CAUSES = {
  'route-cache-full': {
    severity: 'error',
    meaning: 'The IPv6 route cache is full: raise net.ipv6.route.max_size.',
  },
  'neighbour-overflow': {
    severity: 'error',
    meaning:
      'The neighbour table is full, so new neighbours cannot be reached: raise net.ipv4|ipv6.neigh.default.gc_thresh3.',
  },
  'out-of-memory': { severity: 'error', meaning: 'The host ran out of memory, and the kernel killed a process.' },
  'cgroup-out-of-memory': {
    severity: 'error',
    meaning:
      'A control group reached its memory limit, and the kernel killed a process in it: raise the limit (MemoryMax= of its unit).',
  },
  'page-allocation-failure': {
    severity: 'warn',
    meaning:
      'The kernel could not get memory for itself: look at free memory, its fragmentation and vm.min_free_kbytes.',
  },
  'tcp-out-of-memory': { severity: 'error', meaning: 'TCP reached its memory limit: raise net.ipv4.tcp_mem.' },
  'udp-out-of-memory': { severity: 'error', meaning: 'UDP reached its memory limit: raise net.ipv4.udp_mem.' },
  'conntrack-full': {
    severity: 'error',
    meaning: 'The connection tracking table is full, and packets are dropped: raise net.netfilter.nf_conntrack_max.',
  },
  'ecc-corrected': { severity: 'warn', meaning: 'A memory module had an error that was corrected: watch it.' },
  'ecc-uncorrected': {
    severity: 'error',
    meaning: 'A memory module had an error that could not be corrected: replace it.',
  },
  'route-add-failed': {
    severity: 'error',
    meaning: 'A routing daemon could not add a route for want of memory: what it announces is not what the kernel has.',
  },
  'daemon-out-of-memory': { severity: 'error', meaning: 'A routing daemon could not get memory.' },
  'netlink-overrun': {
    severity: 'error',
    meaning:
      'A process lost messages of the kernel about routes or links, as it did not read them in time: raise its netlink receive buffer.',
  },
} as const satisfies Record<string, CauseDefinition>;

export type Cause = keyof typeof CAUSES;

type Pattern = readonly [Cause, RegExp];

/**
 * By kernel source: net/core/dst.c and net/ipv6/route.c, net/core/neighbour.c (and net/ipv6/route.c of before 5.7),
 * mm/oom_kill.c (one line of the several of each kill), mm/page_alloc.c, net/ipv4/tcp.c, nf_conntrack_core.c,
 * drivers/edac/edac_mc.c, mm/memory-failure.c.
 */
const KERNEL: readonly Pattern[] = [
  ['route-cache-full', /Route cache is full: consider increasing sysctl net\.ipv(?:\[4\|6\]|4|6)\.route\.max_size/],
  ['neighbour-overflow', /\bneighbou?r table overflow/i],
  ['cgroup-out-of-memory', /^Memory cgroup out of memory: Kill(?:ed)? process /],
  [
    'out-of-memory',
    /^(?:Out of memory(?: \(oom_kill_allocating_task\))?: Kill(?:ed)? process |Kernel panic - not syncing: .*out of memory)/i,
  ],
  ['page-allocation-failure', /: page allocation failure\b/],
  ['tcp-out-of-memory', /^(?:TCP: out of memory|Out of socket memory)/],
  ['udp-out-of-memory', /^UDP(?:Lite)?: out of memory/i],
  ['conntrack-full', /_conntrack: table full/],
  ['ecc-uncorrected', /^(?:EDAC MC\d+: \d+ UE |Memory failure: 0x[0-9a-f]+: recovery action )/],
  ['ecc-corrected', /^EDAC MC\d+: \d+ CE /],
];

const REFUSED = '(?:Cannot allocate memory|No buffer space available|ENOMEM|ENOBUFS)';

/**
 * FRR (zebra/kernel_netlink.c: `netlink-dp (NS 0) error: Cannot allocate memory, type=RTM_NEWROUTE(24) …`, `… recvmsg
 * overrun: …`), BIRD (sysdep/linux/netlink.c: `Netlink: Cannot allocate memory`, `Kernel dropped some netlink messages`),
 * Check Point's routed (`KRT SEND ADD … Cannot allocate memory`).
 */
const DAEMON: readonly Pattern[] = [
  ['netlink-overrun', /recvmsg overrun|Kernel dropped some netlink messages/],
  ['route-add-failed', new RegExp(`(?:KRT SEND ADD|\\bNetlink:).*${REFUSED}|${REFUSED}.*RTM_NEW(?:ROUTE|NEXTHOP)`)],
  ['daemon-out-of-memory', new RegExp(`${REFUSED}|\\bout of memory\\b`, 'i')],
];

/** null: the message is about something else. */
export function kernelCause(text: string): Cause | null {
  return find(KERNEL, text);
}

export const KERNEL_CAUSES: readonly Cause[] = KERNEL.map(([cause]) => cause);

export function daemonCause(line: string): Cause | null {
  return find(DAEMON, line);
}

export const DAEMON_CAUSES: readonly Cause[] = DAEMON.map(([cause]) => cause);

function find(patterns: readonly Pattern[], text: string): Cause | null {
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}
