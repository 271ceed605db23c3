/**
 * Hears of the kernel what may concern our routes: links and addresses that come and go, routes of the same keys that are
 * changed. IPv4 routes vanish with their interface without a word of their own.
 *
 * A routing daemon that loads a full table is a flood of a million messages. It is not drunk: above so many in a moment, and
 * when some were lost, nothing is listened to for a while, and a look at our own routes, which costs the same at all times,
 * tells what became of them.
 */
import { Follower } from '../host/netlink/follower.ts';
import { HEADER, MESSAGE } from '../host/netlink/message.ts';
import { HOLDFAST } from '../host/netlink/names.ts';
import { nexthopIdOf } from '../host/netlink/nexthops.ts';
import { keyText, type RouteKey } from '../host/netlink/route-key.ts';
import { readRoute, type SeenRoute } from '../host/netlink/seen-route.ts';
import { eachMessage } from '../host/netlink/socket.ts';
import { commOf, nullIfGone } from '../host/proc.ts';

const NETLINK_ROUTE = 0;
/** RTNLGRP_… of linux/rtnetlink.h. */
const GROUPS = { link: 1, ipv4Address: 5, ipv4Route: 7, ipv6Address: 9, ipv6Route: 11, nexthop: 32 } as const;
/** Milliseconds for which a flood of messages is not listened to. */
const PAUSE = 250;
/**
 * Milliseconds for what comes together: an interface with its addresses, a flush of many routes. It has to be quiet for so long, or
 * the longest time is over: `ip route flush` lists again after each pass, and would take away ten times what is put back meanwhile.
 */
const TOGETHER = { quiet: 15, longest: 100 } as const;
/** Milliseconds for which it is believed that whoever touched a route is why it is not as it was. */
const REMEMBERED = 10_000;
const MOST_REMEMBERED = 64;
/** Offsets in struct ifinfomsg. */
const IFINFO = { index: 4, flags: 8, size: 16 } as const;
/** IFF_UP, IFF_RUNNING, IFF_LOWER_UP. */
const UP = 0x1 | 0x40 | 0x10000;

export interface Concern {
  /** Keys (keyText) of what is wanted and of what was made. */
  readonly keys: ReadonlySet<string>;
  /** Whether one of them waits for a network that its gateway is in. */
  readonly waiting: boolean;
  /** Nexthop objects that they go by: a route goes with its object, and an IPv4 one without a word of its own. */
  readonly objects: ReadonlySet<number>;
}

export class RouteFollower {
  readonly #concern: () => Concern;
  readonly #changed: () => void;
  readonly #follower: Follower;
  readonly #links = new Map<number, number>();
  readonly #touched = new Map<string, { by: string; at: number }>();
  #soon: { readonly timer: NodeJS.Timeout; readonly since: number } | null = null;

  /** Throws where the kernel cannot be listened to. */
  constructor(concern: () => Concern, changed: () => void) {
    this.#concern = concern;
    this.#changed = changed;
    this.#follower = new Follower({
      protocol: NETLINK_ROUTE,
      groups: Object.values(GROUPS),
      onMessage: (datagram) => this.#hear(datagram),
      onBegin: () => this.#look(),
      pause: PAUSE,
    });
  }

  /** Who touched the route of this key last, if it was a moment ago. */
  whoTouched(key: RouteKey): string | null {
    const touched = this.#touched.get(keyText(key));
    return touched !== undefined && performance.now() - touched.at < REMEMBERED ? touched.by : null;
  }

  close(): void {
    clearTimeout(this.#soon?.timer);
    this.#follower.close();
  }

  #hear(datagram: Buffer): void {
    try {
      eachMessage(datagram, (data, at, end) => {
        this.#take(data.subarray(at, end));
        return false;
      });
    } catch {
      this.#look(); // damaged: so much is sure that something was told
    }
  }

  #take(message: Buffer): void {
    const type = message.readUInt16LE(4);
    if (type === MESSAGE.newLink || type === MESSAGE.deleteLink) this.#takeLink(message, type);
    else if (type === MESSAGE.newRoute || type === MESSAGE.deleteRoute) this.#takeRoute(message, type);
    else if (type === MESSAGE.newNexthop || type === MESSAGE.deleteNexthop) this.#takeNexthop(message);
    else this.#look();
  }

  /** Most of what is told of a link is not whether it is up. */
  #takeLink(data: Buffer, type: number): void {
    if (data.length < HEADER + IFINFO.size) return;
    const index = data.readInt32LE(HEADER + IFINFO.index);
    const up = type === MESSAGE.deleteLink ? -1 : data.readUInt32LE(HEADER + IFINFO.flags) & UP;
    if (this.#links.get(index) === up) return;
    if (up === -1) this.#links.delete(index);
    else this.#links.set(index, up);
    this.#look();
  }

  #takeNexthop(data: Buffer): void {
    // A routing daemon's table comes with its nexthop objects.
    if (this.#follower.flooded()) return;
    const id = nexthopIdOf(data);
    if (id === null || this.#concern().objects.has(id)) this.#look();
  }

  #takeRoute(data: Buffer, type: number): void {
    const route = this.#follower.flooded() ? null : readRoute(data, 0, data.length);
    if (route === null) return;
    const { keys, waiting } = this.#concern();
    const concerned = keys.has(keyText(route));
    if (concerned) this.#remember(data, route, type);
    const onLink = type === MESSAGE.newRoute && route.hops.some(({ gateway }) => gateway === null);
    if (concerned || (waiting && onLink)) this.#look();
  }

  /** The port of the socket by which it was changed is, as a rule, the number of its process; 0: the kernel itself. */
  #remember(data: Buffer, route: SeenRoute, type: number): void {
    const port = data.readUInt32LE(12);
    if (port === 0 || (type === MESSAGE.newRoute && route.protocol === HOLDFAST)) return;
    const name = commandOf(port);
    const by = name === null ? `the process of netlink port ${port}` : `${name}[${port}]`;
    if (this.#touched.size >= MOST_REMEMBERED) this.#touched.delete(this.#touched.keys().next().value!);
    this.#touched.set(keyText(route), { by, at: performance.now() });
  }

  #look(): void {
    const now = performance.now();
    const since = this.#soon?.since ?? now;
    clearTimeout(this.#soon?.timer);
    const look = () => {
      this.#soon = null;
      this.#changed();
    };
    const wait = Math.max(0, Math.min(TOGETHER.quiet, since + TOGETHER.longest - now));
    this.#soon = { timer: setTimeout(look, wait), since };
  }
}

function commandOf(pid: number): string | null {
  if (pid === process.pid) return null;
  return nullIfGone(() => commOf(pid))?.replace(/[^\x21-\x7e]/g, '') ?? null;
}
