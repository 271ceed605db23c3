/** Messages of the kernel and of routing daemons about exhausted memory, and their meanings. */
import type { EventSeverity } from '../probe.ts';

export interface CauseDefinition {
  readonly severity: EventSeverity;
  /** The meaning of the message, and the remedy. */
  readonly meaning: string;
}

/** The values of the attribute `cause`: stable, greppable. */
export const CAUSES = {
  'route-cache-full': {
    severity: 'error',
    meaning: 'The route cache is full: raise net.ipv4|ipv6.route.max_size, of the family that the message names.',
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
    meaning:
      'A routing daemon could not add a route because memory, or room in the hardware, was used up: it now announces other routes than this host forwards by.',
  },
  'daemon-out-of-memory': { severity: 'error', meaning: 'A routing daemon could not get memory.' },
  'netlink-overrun': {
    severity: 'error',
    meaning:
      "A process lost the kernel's messages about routes or links because it did not read them in time: raise its netlink receive buffer.",
  },
} as const satisfies Record<string, CauseDefinition>;

export type Cause = keyof typeof CAUSES;

type Pattern = readonly [Cause, RegExp];

/**
 * The kernel's messages, from net/core/dst.c and net/ipv6/route.c (before 3.6 net/ipv4/route.c: `dst cache overflow`),
 * net/core/neighbour.c (before 5.7 also net/ipv6/route.c), mm/oom_kill.c (one of several lines of each kill),
 * mm/page_alloc.c, net/ipv4/tcp.c, nf_conntrack_core.c, drivers/edac/edac_mc.c, mm/memory-failure.c.
 */
const KERNEL: readonly Pattern[] = [
  [
    'route-cache-full',
    /Route cache is full: consider increasing sysctl net\.ipv(?:\[4\|6\]|4|6)\.route\.max_size|\bdst cache overflow/,
  ],
  ['neighbour-overflow', /\bneighbou?r table overflow/i],
  ['cgroup-out-of-memory', /^Memory cgroup out of memory: Kill(?:ed)? process /],
  [
    'out-of-memory',
    /^(?:Out of memory(?: \(oom_kill_allocating_task\))?: Kill(?:ed)? process |Kernel panic - not syncing: .*out of memory)/i,
  ],
  [
    'page-allocation-failure',
    /: page allocation failure\b|^SLU?A?B: Unable to allocate memory on node|\bvmalloc(?: error)?: (?:size|allocation failure)|^percpu: allocation failed\b/,
  ],
  ['tcp-out-of-memory', /^(?:TCP: out of memory|Out of socket memory)/],
  ['udp-out-of-memory', /^UDP(?:Lite)?: out of memory/i],
  ['conntrack-full', /_conntrack: (?:expectation )?table full/],
  ['ecc-uncorrected', /^(?:EDAC MC\d+: \d+ UE |Memory failure: 0x[0-9a-f]+: recovery action )/],
  ['ecc-corrected', /^EDAC MC\d+: \d+ CE /],
];

/** ENOBUFS as libc, Go's runtime and the C constants spell it, or as its number, 105. */
const NO_BUFFERS = numbered('No buffer space|\\bENOBUFS\\b', 105);
/**
 * ENOMEM in the same spellings, or as its number, 12. musl (Alpine, OpenWrt) calls it `Out of memory`. libnl says this
 * for ENOBUFS also.
 */
const NO_MEMORY = numbered('Cannot allocate memory|: Out of memory\\b|\\bENOMEM\\b', 12);
const REFUSED = `(?:${NO_BUFFERS}|${NO_MEMORY})`;
/**
 * A table of a switch's hardware has no room. `Table full` without more words may announce a dump of the full table.
 */
const NO_ROOM =
  '(?:table (?:is )?full\\b(?! \\w)|SAI_STATUS_(?:TABLE_FULL|INSUFFICIENT_RESOURCES|NO_MEMORY)|HW_RESOURCE_FULL)';

/** `errno=105`, `[Errno 105]`, `rc -105`, `error code 105`, `error 105` at the end, `… (105)` behind an error. Not `error 105.0.0.1`. */
function numbered(words: string, errno: number): string {
  const number = `${errno}\\b(?![.:/]\\w)`;
  const named = `(?:errno|(?:error|err) ?(?:code|number|no))[ :=(]*-?${number}`;
  const negative = `\\b(?:err|error|rc|ret|result|status|code)[ :=(]+-${number}`;
  return `(?:${words}|${named}|${negative}|\\berror[ :=]+-?${errno}$|\\berror\\b.{0,80}\\(${number}\\))`;
}

/** Matches if every pattern matches, in any order and letter case. */
function all(...patterns: string[]): RegExp {
  return new RegExp(`^${patterns.map((pattern) => `(?=.*(?:${pattern}))`).join('')}`, 'i');
}

/** A request to the kernel that adds a route or a next hop: by its type, by its number (24, 104), or in words. */
const ADDS_ROUTE =
  'RTM_NEW(?:ROUTE|NEXTHOP)|type=\\w*\\((?:24|104)\\)|KRT SEND ADD|\\bif_route \\((?:ADD|CHG)\\)|\\bNetlink: (?:No buffer|Cannot allocate|Out of memory|ENO|errno)|' +
  '\\b(?:add|create|install|replace|program|insert|update|change|set)(?:s|d|ed|ing)?\\b[^,;]{0,60}\\b(?:routes?|next[ -]?hops?)\\b|' +
  '\\b(?:routes?|next[ -]?hops?)[ _-]?(?:group )?(?:add|create|install|replace|insert|update)|Route(?:Add|Replace)|HW_RESOURCE_FULL';
const ADDS_NEIGHBOUR =
  'RTM_NEWNEIGH|type=\\w*\\(28\\)|' +
  '\\b(?:add|create|install|replace|program|set)(?:s|d|ed|ing)?\\b[^,;]{0,60}\\b(?:neighbou?rs?|arp|fdb|l3 host)\\b|' +
  '\\b(?:neighbou?r|arp|fdb|l3 host)[ _-](?:entry )?(?:add|create|install|replace)';

/**
 * FRR (zebra/kernel_netlink.c: `netlink-dp (NS 0) error: Cannot allocate memory, type=RTM_NEWROUTE(24) …`, `… recvmsg
 * overrun: …`), BIRD (sysdep/linux/netlink.c: `Netlink: Cannot allocate memory`, `Kernel dropped some netlink
 * messages`), Check Point's routed (`KRT SEND ADD … Cannot allocate memory`), keepalived (`Netlink: Received message
 * overrun (…)`), Calico (`Netlink reported an error … no buffer space available`), dhcpcd (`if_route (ADD): …`, `route socket overflowed`),
 * iproute2 (`RTNETLINK answers: …`: the kernel refused a request, which one is not said), NetworkManager (`too many
 * netlink events`), nlbwmon (`Netlink receive failure: Out of memory`, `Unable to dump conntrack: No buffer space
 * available`), conntrack and ulogd (`We are losing events`), SONiC (swss-common: `netlink reports out of memory on reading a netlink socket`; `L3 route add
 * failed with error Table full`, SAI's statuses).
 *
 * The first match counts. ENOBUFS means three things: a full neighbour table, if the request makes a neighbour; a
 * refused route, if the request adds a route; lost messages, if the program was receiving.
 */
const DAEMON: readonly Pattern[] = [
  ['neighbour-overflow', all(ADDS_NEIGHBOUR, `${REFUSED}|${NO_ROOM}`)],
  ['neighbour-overflow', /\bneighbou?r table (?:overflow|is full)/i],
  [
    'netlink-overrun',
    /Kernel dropped some netlink messages|too many netlink events|netlink reports out of memory on reading|\broute socket overflowed|\blosing events\b/i,
  ],
  ['netlink-overrun', all('netlink|rtnl', '(?:over(?:run|flow)|lost (?:messages|events))')],
  [
    'netlink-overrun',
    all('\\b(?:recv\\w*|receive|read(?:ing)?|nl_get_reply)\\b', NO_BUFFERS, 'netlink|rtnl|nl_get_reply|recvmsg'),
  ],
  ['netlink-overrun', all('\\bnetlink receive failure\\b', REFUSED)],
  ['netlink-overrun', all('\\bdump\\b[^,;]{0,40}\\bconntrack\\b', NO_BUFFERS)],
  ['route-add-failed', all(ADDS_ROUTE, REFUSED)],
  [
    'route-add-failed',
    all(ADDS_ROUTE, '\\b(?:fail\\w*|errors?|unable|cannot|could not|refused)\\b|HW_RESOURCE', NO_ROOM),
  ],
  // The line names no request, so ENOBUFS is not the kernel's answer to a request.
  [
    'netlink-overrun',
    all('netlink|rtnl', `^(?!.*(?:type=|RTM_|received netlink error|RTNETLINK answers)).*${NO_BUFFERS}`),
  ],
  ['daemon-out-of-memory', all(`${REFUSED}|\\bout of memory\\b`)],
];

/** The cause; null if the message is about something else. */
export function kernelCause(text: string): Cause | null {
  return find(KERNEL, text);
}

export const KERNEL_CAUSES: readonly Cause[] = KERNEL.map(([cause]) => cause);

export function daemonCause(line: string): Cause | null {
  return find(DAEMON, line);
}

export const DAEMON_CAUSES: readonly Cause[] = [...new Set(DAEMON.map(([cause]) => cause))];

function find(patterns: readonly Pattern[], text: string): Cause | null {
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}
