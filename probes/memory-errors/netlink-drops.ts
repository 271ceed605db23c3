/**
 * Counts the kernel's messages that a process lost because its netlink socket's buffer was full (netlink(7), ENOBUFS).
 * A routing daemon that lost messages no longer knows the routes.
 */
import { nullIfRefused } from '../../agent/host/errors.ts';
import type { Host } from '../../agent/host/host.ts';

/** An open socket that receives the kernel's messages about routes, or that lost messages of any kind. */
export interface SocketDrops {
  readonly inode: string;
  /** `route`, `netfilter`, `generic` …, or the number. */
  readonly protocol: string;
  readonly drops: number;
  /** The comm of its process; `unknown` if no visible process has the socket. */
  readonly process: string;
}

/** include/uapi/linux/netlink.h */
const PROTOCOLS: Readonly<Record<string, string>> = {
  0: 'route',
  4: 'sock_diag',
  9: 'audit',
  12: 'netfilter',
  15: 'kobject_uevent',
  16: 'generic',
};

interface Line {
  readonly inode: string;
  readonly protocol: string;
  /** The process id for a process's first socket, any number for further ones, 0 for the kernel's own. */
  readonly port: string;
  /** Bits of the groups that the socket receives. */
  readonly groups: number;
  readonly drops: number;
}

/**
 * Returns null if this kernel does not count losses.
 * @param owners processes by inode, kept between calls, because finding one searches all processes' descriptors.
 */
export function netlinkSockets(host: Host, owners: Map<string, string>): SocketDrops[] | null {
  const text = host.readText('/proc/net/netlink');
  if (text === null) return null;
  const lines = parseLines(text).filter(({ port, groups, protocol, drops }) => {
    return port !== '0' && (drops > 0 || (protocol === 'route' && groups !== 0));
  });
  const inodes = new Set(lines.map(({ inode }) => inode));
  for (const inode of owners.keys()) if (!inodes.has(inode)) owners.delete(inode);
  if (lines.some(({ inode }) => !owners.has(inode))) {
    const found = ownersOf(host, inodes);
    for (const { inode, port } of lines)
      if (!owners.has(inode)) owners.set(inode, found.get(inode) ?? comm(host, port) ?? 'unknown');
  }
  return lines.map(({ inode, protocol, drops }) => {
    return { inode, protocol, drops, process: owners.get(inode) ?? 'unknown' };
  });
}

/** `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode` */
function parseLines(text: string): Line[] {
  const [heading = '', ...lines] = text.trim().split('\n');
  const columns = heading.trim().split(/\s+/);
  return lines.flatMap((line) => {
    const cells = line.trim().split(/\s+/);
    const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
    if (!/^\d+$/.test(cell('Drops')) || !/^\d+$/.test(cell('Inode'))) return [];
    return [
      {
        inode: cell('Inode'),
        protocol: PROTOCOLS[cell('Eth')] ?? cell('Eth'),
        port: cell('Pid'),
        groups: Number.parseInt(cell('Groups'), 16),
        drops: Number(cell('Drops')),
      },
    ];
  });
}

function ownersOf(host: Host, inodes: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>();
  for (const pid of host.list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of descriptors(host, pid)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(host, `/proc/${pid}/fd/${fd}`) ?? '')?.[1];
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode))
        owners.set(inode, comm(host, pid) ?? 'unknown');
    }
  }
  return owners;
}

function descriptors(host: Host, pid: string): string[] {
  return nullIfRefused(() => host.list(`/proc/${pid}/fd`)) ?? []; // we may not look at this process
}

function link(host: Host, path: string): string | null {
  try {
    return host.readLink(path);
  } catch {
    return null; // closed in the meantime
  }
}

function comm(host: Host, pid: string): string | null {
  // ESRCH: the process ended in the meantime.
  const name = nullIfRefused(() => host.readText(`/proc/${pid}/comm`));
  return name?.trim().replace(/[\p{C}]/gu, '?') ?? null;
}
