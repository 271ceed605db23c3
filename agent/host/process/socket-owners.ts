/** The processes that hold sockets, by the sockets' inode numbers. */
import { readdirSync } from '../looks.ts';
import { nullIfGone, processIds, procLink } from './proc.ts';

/** The first process that holds each socket. Sockets of processes that we may not see are not in the map. */
export function socketOwners(inodes: ReadonlySet<number>): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const pid of processIds()) {
    if (found.size === inodes.size) break;
    for (const fd of nullIfGone(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(nullIfGone(() => procLink(pid, `fd/${fd}`)) ?? '')?.[1]);
      if (inodes.has(inode) && !found.has(inode)) found.set(inode, pid);
    }
  }
  return found;
}
