/** Routes counted by table and protocol, from the headers of a dump alone: in constant memory, whatever their number. */
import type { Family } from '../../address/address.ts';
import { dump, type Gatherer } from './dump.ts';
import { FAMILY, HEADER } from './message.ts';
import { RTMSG, routeDump, tableOf } from './rtmsg.ts';
import { NetlinkSocket } from './socket.ts';

export interface RouteCount {
  readonly table: number;
  /** As in rt_protos. */
  readonly protocol: number;
  readonly routes: number;
  /** So many of them a switch or router's hardware did not take: packets that it forwards itself do not find them. */
  readonly offloadFailed: number;
}

/** RTM_F_OFFLOAD_FAILED (linux/rtnetlink.h, since Linux 5.12), of the last byte of the flags. */
const OFFLOAD_FAILED = 0x20;

/**
 * A route with several next hops is one, as `ip route show table all` lists it. The kernel lists routes without stopping
 * their changes, so of those that come or go meanwhile some are counted. Throws NetlinkError where it cannot be told.
 */
export async function countRoutes(family: Family, signal: AbortSignal): Promise<RouteCount[]> {
  using socket = await NetlinkSocket.open();
  return await dump(socket, routeDump(family), () => new Counter(FAMILY[family]), signal);
}

export class Counter implements Gatherer<RouteCount[]> {
  readonly #family: number;
  readonly #counts = new Map<number, number>();
  // Neighbours in a dump are mostly of one table and protocol: those are summed up before the map is asked.
  #key = -1;
  #run = 0;

  constructor(family: number) {
    this.#family = family;
  }

  take(data: Buffer, at: number, end: number): false {
    // A kernel without this family answers with the routes of every other one.
    if (data[at + HEADER + RTMSG.family] !== this.#family) return false;
    const failed = (data[at + HEADER + RTMSG.flags + 3]! & OFFLOAD_FAILED) === 0 ? 0 : 1;
    const key = (tableOf(data, at, end) * 256 + data[at + HEADER + RTMSG.protocol]!) * 2 + failed;
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
