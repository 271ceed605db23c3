/** The network namespaces of this machine's processes, and the addresses of each. */
import { closeSync, openSync, readSync } from 'node:fs';
import { networkInode, nullIfGone, processIds } from './proc.ts';

/** Bytes of a namespace's tables that are read. A container's are 2 KiB; a router's would take seconds to list. */
const MOST = 64 << 10;
const MOST_NAMESPACES = 1_000;

/** The first process of each network namespace other than our own, by the addresses of that namespace. */
export function processesByAddress(): Map<string, number> {
  const own = nullIfGone(() => networkInode('self'));
  const firsts = new Map<number, number>();
  for (const pid of processIds().sort((a, b) => a - b)) {
    const network = nullIfGone(() => networkInode(pid));
    if (network === null || network === own || firsts.has(network)) continue;
    firsts.set(network, pid);
    if (firsts.size === MOST_NAMESPACES) break;
  }
  const found = new Map<string, number>();
  for (const pid of firsts.values())
    for (const address of addressesOf(pid)) if (!found.has(address)) found.set(address, pid);
  return found;
}

/** Neither loopback nor link-local addresses, which every namespace has. */
function addressesOf(pid: number): string[] {
  const ipv4 = ipv4In(start(`/proc/${pid}/net/fib_trie`)).filter((address) => !address.startsWith('127.'));
  const ipv6 = ipv6In(start(`/proc/${pid}/net/if_inet6`)).filter((address) => !/^(?:::1$|fe[89ab])/.test(address));
  return [...ipv4, ...ipv6];
}

/** `|-- 10.88.0.5` and, below it, `/32 host LOCAL`. */
export function ipv4In(trie: string): string[] {
  return [...new Set([...trie.matchAll(/\|-- ([0-9.]+)\n\s*\/32 host LOCAL/g)].map(([, address]) => address!))];
}

/** Lines such as `fd00000000000000000000000000000a 02 40 00 80 eth0`; addresses in full notation, without zeros cut. */
function ipv6In(lines: string): string[] {
  return [...lines.matchAll(/^([0-9a-f]{32}) /gm)].map(([, hex]) => hex!.match(/.{4}/g)!.join(':'));
}

/** The first bytes of a file; empty if it cannot be read. */
function start(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const bytes = Buffer.alloc(MOST);
    let length = 0;
    for (let got = 1; got > 0 && length < MOST; length += got) got = readSync(fd, bytes, length, MOST - length, null);
    return bytes.toString('latin1', 0, length);
  } catch {
    return '';
  } finally {
    closeSync(fd);
  }
}
