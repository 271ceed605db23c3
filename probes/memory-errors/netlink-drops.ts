/**
 * Messages of the kernel that a process lost, as its netlink socket's buffer was full: a routing daemon that lost some
 * no longer knows the routes (netlink(7), ENOBUFS).
 */
import { nullIfRefused } from '../../agent/host/errors.ts';
import type { Host } from '../../agent/host/host.ts';

/** An open socket that listens to the kernel about routes, or that lost messages of any kind. */
export interface NetlinkSocket {
  readonly inode: string;
  /** `route`, `netfilter`, `generic` …, or the number. */
  readonly protocol: string;
  readonly drops: number;
  /** Its comm; `unknown` where it is none of the processes that are seen. */
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
  /** The process id for a process' first socket, any number for its further ones; 0: the kernel's own. */
  readonly port: string;
  /** Bits of the groups that it listens to. */
  readonly groups: number;
  readonly drops: number;
}

/**
 * null: this kernel does not tell.
 * @param owners processes by inode, kept from call to call: to find one, all processes' descriptors are looked through.
 */
export function netlinkSockets(host: Host, owners: Map<string, string>): NetlinkSocket[] | null {
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
  return nullIfRefused(() => host.list(`/proc/${pid}/fd`)) ?? []; // not ours to look at
}

function link(host: Host, path: string): string | null {
  try {
    return host.readLink(path);
  } catch {
    return null; // closed meanwhile
  }
}

function comm(host: Host, pid: string): string | null {
  // ESRCH: it ended meanwhile.
  const name = nullIfRefused(() => host.readText(`/proc/${pid}/comm`));
  return name?.trim().replace(/[\p{C}]/gu, '?') ?? null;
}
