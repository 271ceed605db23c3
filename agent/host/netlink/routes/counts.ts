/** Counts routes by table and protocol, only from the headers of a dump: in constant memory, whatever their number. */
import type { Family } from '../../../address/address.ts';
import { dump, type Gatherer } from '../dump.ts';
import { FAMILY, NETLINK_HEADER } from '../message-layout.ts';
import { NetlinkSocket } from '../socket.ts';
import { RTMSG, routeDump, tableOf } from './rtmsg.ts';

export interface RouteCount {
  readonly table: number;
  /** A number of rt_protos. */
  readonly protocol: number;
  readonly routes: number;
  /**
   * The number of these routes that the hardware of a switch or router did not take. Packets that the hardware forwards
   * by itself do not find these routes.
   */
  readonly offloadFailed: number;
}

/** RTM_F_OFFLOAD_FAILED (linux/rtnetlink.h, since Linux 5.12), in the last byte of the flags. */
const OFFLOAD_FAILED = 0x20;

/**
 * A route with several next hops counts once, as `ip route show table all` lists it. The kernel lists routes without
 * stopping changes, so a route that comes or goes meanwhile may or may not count. Throws NetlinkError if the count is
 * impossible.
 */
export async function countRoutes(family: Family, signal: AbortSignal): Promise<RouteCount[]> {
  using socket = await NetlinkSocket.open();
  return await dump(socket, routeDump(family), () => new Counter(FAMILY[family]), signal);
}

export class Counter implements Gatherer<RouteCount[]> {
  readonly #family: number;
  readonly #counts = new Map<number, number>();
  // Neighbours in a dump mostly have the same table and protocol: they are summed up before the map is asked.
  #key = -1;
  #run = 0;

  constructor(family: number) {
    this.#family = family;
  }

  take(data: Buffer, at: number, end: number): false {
    // A kernel without this family answers with the routes of all other families.
    if (data[at + NETLINK_HEADER + RTMSG.family] !== this.#family) return false;
    const failed = (data[at + NETLINK_HEADER + RTMSG.flags + 3]! & OFFLOAD_FAILED) === 0 ? 0 : 1;
    const key = (tableOf(data, at, end) * 256 + data[at + NETLINK_HEADER + RTMSG.protocol]!) * 2 + failed;
    if (key !== this.#key) this.#put(key);
    this.#run += 1;
    return false;
  }

  result(): RouteCount[] {
    this.#put(-1);
    const keys = new Set([...this.#counts.keys()].map((key) => Math.floor(key / 2)));
    const counts = [...keys].map((key) => {
      const [taken = 0, offloadFailed = 0] = [this.#counts.get(key * 2), this.#counts.get(key * 2 + 1)];
      return { table: Math.floor(key / 256), protocol: key % 256, routes: taken + offloadFailed, offloadFailed };
    });
    return counts.sort((a, b) => a.table - b.table || a.protocol - b.protocol);
  }

  #put(next: number): void {
    if (this.#run > 0) this.#counts.set(this.#key, (this.#counts.get(this.#key) ?? 0) + this.#run);
    this.#key = next;
    this.#run = 0;
  }
}
