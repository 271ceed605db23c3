/** The kernel's neighbour tables, one for ARP and one for neighbour discovery, of all network namespaces together. */
import type { Family } from '../../address/address.ts';
import type { Host } from '../host.ts';

const FILES = { ipv4: '/proc/net/stat/arp_cache', ipv6: '/proc/net/stat/ndisc_cache' } as const;

/**
 * A column of /proc/net/stat, one value for each CPU: a heading, then hexadecimal lines. `entries` is the same number in
 * each line; the others are counts of that CPU. null if this kernel or network namespace has no such column.
 */
export function neighbourStatistics(
  host: Pick<Host, 'readText'>,
  family: Family,
  name: 'entries' | 'table_fulls',
): number[] | null {
  const [heading = '', ...lines] = (host.readText(FILES[family]) ?? '').trim().split('\n');
  const column = heading.trim().split(/\s+/).indexOf(name);
  if (column === -1 || lines.length === 0) return null;
  const counts = lines.map((line) => Number.parseInt(line.trim().split(/\s+/)[column] ?? '', 16));
  return counts.some(Number.isNaN) ? null : counts;
}
