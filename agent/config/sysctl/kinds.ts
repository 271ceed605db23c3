/**
 * The kind of a kernel setting's value. The kernel shows most values in a form of its own. A list of ports comes back
 * sorted and merged, a hexadecimal number decimal, milliseconds rounded to its tick. Values are therefore compared by
 * their meaning for the key. Every rule was measured by writing the key in a network namespace (Linux 6.18, 250 ticks a
 * second). Sources: kernel/sysctl.c, net/ipv4/sysctl_net_ipv4.c, net/core/neighbour.c, net/ipv6/addrconf.c.
 */
import { isIPv6 } from 'node:net';

/**
 * `numbers`: one or several, each as strtoul(3) with base 0 reads it. `milliseconds` and `hundredths` (of a second):
 * kept in ticks. `ranges`: `8080,30000-30010`. `names`: in any order. `mask`: hexadecimal, of CPUs. `key`: hexadecimal,
 * secret. `address`: an IPv6 address, secret. `command`: written, and never read. `text`: all other values.
 */
export type SysctlKind =
  | 'numbers'
  | 'milliseconds'
  | 'hundredths'
  | 'ranges'
  | 'names'
  | 'mask'
  | 'key'
  | 'address'
  | 'command'
  | 'text';

/** By path below /proc/sys. A path that is neither here nor in PATTERNS holds numbers if its values are numbers, otherwise text. */
const KINDS: ReadonlyMap<string, SysctlKind> = new Map([
  ...of('command', 'net/ipv4/route/flush', 'net/ipv6/route/flush', 'vm/compact_memory', 'vm/drop_caches'),
  ...of('ranges', 'net/ipv4/ip_local_reserved_ports', 'net/ipv6/icmp/ratemask', 'kernel/watchdog_cpumask'),
  ...of('ranges', 'net/ipv4/vs/est_cpulist'),
  ...of('names', 'net/ipv4/tcp_allowed_congestion_control'),
  ...of('text', 'net/ipv4/tcp_congestion_control', 'net/core/default_qdisc', 'net/core/netdev_rss_key'),
  ...of('text', 'net/mptcp/scheduler', 'net/mptcp/path_manager', 'net/sctp/cookie_hmac_alg'),
  ...of('text', 'net/vsock/ns_mode', 'net/vsock/child_ns_mode', 'kernel/core_pattern', 'kernel/hostname'),
  ...of('text', 'kernel/domainname', 'kernel/modprobe', 'kernel/poweroff_cmd', 'kernel/printk_devkmsg'),
  ...of('mask', 'net/core/rps_default_mask', 'net/core/flow_limit_cpu_bitmap'),
  ...of('key', 'net/ipv4/tcp_fastopen_key'),
]);

/**
 * Keys with a part that differs. An expression is tried only on a path that holds the word before it: an `apply` asks
 * about every setting, and an expression takes longer to compile than all else that is done with it.
 */
const PATTERNS: readonly (readonly [word: string, pattern: RegExp, kind: SysctlKind])[] = [
  ['available_', /^net\/(ipv4\/tcp_|mptcp\/)available_\w+$/, 'text'],
  ['/nf_log/', /^net\/netfilter\/nf_log\/\d+$/, 'text'],
  ['/stable_secret', /^net\/ipv6\/conf\/[^/]+\/stable_secret$/, 'address'],
  ['_ms', /^net\/ipv[46]\/(neigh\/[^/]+|route)\/\w+_ms$/, 'milliseconds'],
  ['/mldv', /^net\/ipv6\/conf\/[^/]+\/mldv[12]_unsolicited_report_interval$/, 'milliseconds'],
  ['/neigh/', /^net\/ipv[46]\/neigh\/[^/]+\/(retrans_time|locktime|proxy_delay|anycast_delay)$/, 'hundredths'],
];

/** Milliseconds of the longest tick of the kernel's clock, which has at least 100 ticks a second. */
const LONGEST_TICK = 10;

export function sysctlKind(path: string): SysctlKind {
  const known = KINDS.get(path);
  if (known !== undefined) return known;
  return PATTERNS.find(([word, pattern]) => path.includes(word) && pattern.test(path))?.[2] ?? 'numbers';
}

function of(kind: SysctlKind, ...paths: string[]): (readonly [string, SysctlKind])[] {
  return paths.map((path) => [path, kind] as const);
}

/** Whether the kernel, which shows `actual`, has the value that `wanted` means. */
export function meansSame(path: string, wanted: string, actual: string): boolean {
  // Nearly every comparison ends here: one text has one meaning, whatever the kind.
  if (wanted === actual) return true;
  const kind = sysctlKind(path);
  const [a, b] = [sysctlMeaning(kind, wanted), sysctlMeaning(kind, actual)];
  if (a === null || b === null) return fields(wanted) === fields(actual);
  const [first, second] = [Number(a[0]), Number(b[0])];
  if (kind === 'milliseconds') return second >= first && second < first + LONGEST_TICK;
  if (kind === 'hundredths') return second === first || second === first - 1;
  // The kernel accepts fewer numbers than the key has, and leaves the remaining numbers as they are.
  return kind === 'numbers' ? a.every((part, index) => part === b[index]) : a.join() === b.join();
}

/**
 * The number that the kernel reads in the value of a key, without a comment after it; NaN if there is no number, or
 * several.
 */
export function sysctlNumber(text: string): number {
  const numbers = numbersOf(text) ?? [];
  return numbers.length === 1 ? Number(numbers[0]) : Number.NaN;
}

/**
 * The value without a comment. Other authors write comments into files of sysctl.d, and the kernel ignores text after
 * the numbers.
 */
export function withoutComment(path: string, value: string): string {
  if (!/\s[#;]/.test(value)) return value;
  const numbers = sysctlKind(path) === 'numbers' ? numbersOf(value) : null;
  return numbers === null ? value : value.replace(/\s+[#;].*$/, '');
}

/**
 * A form that is equal for two texts with the same meaning; null if the text does not fit the kind, so only the text
 * itself can be compared.
 */
export function sysctlMeaning(kind: SysctlKind, text: string): readonly string[] | null {
  switch (kind) {
    case 'numbers':
    case 'milliseconds':
    case 'hundredths':
      return numbersOf(text);
    case 'ranges':
      return rangesOf(text.trim());
    case 'names':
      return text.trim().split(/\s+/).sort();
    case 'mask':
      return maskOf(text.trim());
    case 'key':
      return keyOf(text.trim());
    case 'address':
      return addressOf(text.trim());
    case 'command':
    case 'text':
      return null;
  }
}

/** The numbers in decimal. The kernel ignores text after the last number and a blank (`1 # router`). */
export function numbersOf(text: string): string[] | null {
  const numbers: string[] = [];
  for (const part of text.trim().split(/\s+/)) {
    const [, sign, digits] = /^(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(part) ?? [];
    if (digits === undefined) break;
    const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
    numbers.push(String(sign === '-' ? -value : value));
  }
  return numbers.length === 0 ? null : numbers;
}

/** The ranges, sorted and merged. */
function rangesOf(text: string): string[] | null {
  if (text === '') return [];
  const ranges: [number, number][] = [];
  for (const part of text.split(',')) {
    const ends = part
      .split('-')
      .map((end) => (/\s/.test(end) ? Number.NaN : Number(numbersOf(end)?.[0] ?? Number.NaN)));
    const [from = Number.NaN, to = from] = ends;
    if (ends.length > 2 || !(from <= to && to <= 65_535)) return null;
    ranges.push([from, to]);
  }
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged.map((ends) => ends.join('-'));
}

/** The mask in groups of 32 bits, the highest group first. */
function maskOf(text: string): string[] | null {
  if (text === '') return ['0'];
  if (!/^[0-9a-f]{1,8}(,[0-9a-f]{1,8})*$/i.test(text)) return null;
  const [first, ...others] = text.toLowerCase().split(',') as [string, ...string[]];
  return [[first, ...others.map((group) => group.padStart(8, '0'))].join('').replace(/^0+(?=.)/, '')];
}

/** One key of four groups, or two such keys. */
function keyOf(text: string): string[] | null {
  const one = '[0-9a-f]{1,8}(-[0-9a-f]{1,8}){3}';
  if (!new RegExp(`^${one}(,${one})?$`, 'i').test(text)) return null;
  return text
    .toLowerCase()
    .split(',')
    .map((key) =>
      key
        .split('-')
        .map((group) => group.padStart(8, '0'))
        .join('-'),
    );
}

function addressOf(text: string): string[] | null {
  return isIPv6(text) && !text.includes('%') ? [new URL(`http://[${text}]`).hostname] : null;
}

/** The fields of a value. The kernel separates several values with tabs: `4096\t131072\t6291456`. */
export function fields(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}
