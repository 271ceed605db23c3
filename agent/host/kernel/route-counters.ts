/** The kernel's own counters of its routing tables, for the network namespace of this process (proc(5)). */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';

export interface Ipv6RouteStats {
  /** All tables; each next hop of a multipath route counts. */
  readonly routes: number;
  /** Entries of the destination cache, which the kernel compares with net.ipv6.route.max_size. */
  readonly cached: number;
}

/** /proc/net/rt6_stats, at a cost that does not depend on the routes; null if this kernel has no IPv6. */
export async function ipv6RouteStats(): Promise<Ipv6RouteStats | null> {
  const text = await procNet('rt6_stats');
  return text === null ? null : parseIpv6Stats(text);
}

/** Seven columns, hexadecimal, at least four digits each. */
export function parseIpv6Stats(text: string): Ipv6RouteStats {
  const columns = text
    .trim()
    .split(/\s+/)
    .map((column) => Number.parseInt(column, 16));
  const [, , , routes, , cached] = columns;
  if (!Number.isInteger(routes) || !Number.isInteger(cached))
    throw new Error(`/proc/net/rt6_stats is unreadable: ${text}`);
  return { routes: routes!, cached: cached! };
}

export interface TrieTable {
  /** `Main`, `Local`, or `Id 100`. */
  readonly name: string;
  readonly routes: number;
  /** The whole text about the table: two tables with the same text are one trie, or alike by chance. */
  readonly text: string;
}

/**
 * The IPv4 tables of /proc/net/fib_triestat; null if this kernel has no such file. The kernel walks all of its tries:
 * 40 to 110 ms for 1,000,000 routes, off the main thread.
 */
export async function ipv4Tries(): Promise<TrieTable[] | null> {
  const text = await procNet('fib_triestat');
  return text === null ? null : parseTries(text);
}

export function parseTries(text: string): TrieTable[] {
  const [, ...blocks] = text.split(/^(?=\S.*:$)/m);
  return blocks.map((block) => {
    const [heading = '', ...lines] = block.split('\n');
    const routes = /^\s*Prefixes:\s*(\d+)$/m.exec(block)?.[1];
    // A table without a trie has only a heading.
    return { name: heading.replace(/:$/, ''), routes: Number(routes ?? 0), text: lines.join('\n') };
  });
}

/** Caches of the slab allocator that hold only routes. Kernels from 5.2 on keep the IPv6 route itself elsewhere. */
const SLABS = ['ip_fib_alias', 'ip_fib_trie', 'fib6_node', 'fib6_nodes', 'ip6_dst_cache'] as const;
const SLAB_FOLDER = '/sys/kernel/slab';

export interface SlabCache {
  readonly name: string;
  readonly bytes: number;
}

/**
 * The memory of the routing tables' own caches, of all network namespaces together. Two kinds are left out: a cache
 * that the kernel merged with others of its size, and a cache that may not be read.
 */
export function routeSlabs(folder = SLAB_FOLDER): SlabCache[] {
  return SLABS.flatMap((name) => {
    const bytes = slabBytes(folder, name);
    return bytes === null ? [] : [{ name, bytes }];
  });
}

function slabBytes(folder: string, name: string): number | null {
  const number = (file: string) => Number.parseInt(readFileSync(join(folder, name, file), 'latin1'), 10);
  try {
    if (number('aliases') !== 0) return null;
    const bytes = number('total_objects') * number('slab_size');
    return Number.isInteger(bytes) ? bytes : null;
  } catch {
    return null;
  }
}

async function procNet(name: string): Promise<string | null> {
  try {
    return await readFile(join('/proc/net', name), 'latin1');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
