/**
 * Listens to the kernel for changes that may concern our routes: links and addresses that come and go, and routes with
 * the same keys. The kernel reports no IPv4 routes that vanish with their interface.
 *
 * A routing daemon that loads a full table causes a flood of a million messages. If too many come at once, or some were
 * lost, we stop listening for a while. Instead we look at our own routes, at a cost that is always the same.
 */
import { CalmLook } from '../../host/netlink/calm-look.ts';
import { Follower, messagesOf } from '../../host/netlink/follower.ts';
import { LastTouches } from '../../host/netlink/last-touches.ts';
import { MESSAGE, NETLINK_HEADER } from '../../host/netlink/message-layout.ts';
import { nexthopIdOf } from '../../host/netlink/routes/nexthops.ts';
import { keyText, type RouteKey } from '../../host/netlink/routes/route-key.ts';
import { readRoute } from '../../host/netlink/routes/seen-route.ts';
import { HOLDFAST } from '../../host/netlink/table-names.ts';

const NETLINK_ROUTE = 0;
/** RTNLGRP_… of linux/rtnetlink.h. */
const GROUPS = { link: 1, ipv4Address: 5, ipv4Route: 7, ipv6Address: 9, ipv6Route: 11, nexthop: 32 } as const;
/** Milliseconds without listening during a flood. */
const PAUSE = 250;
/** Offsets in struct ifinfomsg. */
const IFINFO = { index: 4, flags: 8, size: 16 } as const;
/** IFF_UP, IFF_RUNNING, IFF_LOWER_UP. */
const UP = 0x1 | 0x40 | 0x10000;

export interface Concern {
  /** Keys (keyText) of wanted routes, and of the routes that we made. */
  readonly keys: ReadonlySet<string>;
  /** Whether one of the routes waits for its gateway's network. */
  readonly waiting: boolean;
  /**
   * The nexthop objects of these routes. A route vanishes with its object, and the kernel does not report this for
   * IPv4.
   */
  readonly objects: ReadonlySet<number>;
}

export class RouteFollower {
  readonly #concern: () => Concern;
  readonly #changed: CalmLook;
  readonly #follower: Follower;
  readonly #links = new Map<number, number>();
  readonly #touches = new LastTouches();

  /** Throws if we cannot listen to the kernel. */
  constructor(concern: () => Concern, changed: () => void) {
    this.#concern = concern;
    this.#changed = new CalmLook(changed);
    this.#follower = new Follower({
      protocol: NETLINK_ROUTE,
      groups: Object.values(GROUPS),
      onMessage: messagesOf(
        (message) => this.#take(message),
        () => this.#changed.ask(), // the message is damaged, but something changed
      ),
      onBegin: () => this.#changed.ask(),
      pause: PAUSE,
    });
  }

  /** The program that touched the route of this key a moment ago; null if none did. */
  whoTouched(key: RouteKey): string | null {
    return this.#touches.by(keyText(key));
  }

  close(): void {
    this.#changed.close();
    this.#follower.close();
  }

  #take(message: Buffer): void {
    const type = message.readUInt16LE(4);
    if (type === MESSAGE.newLink || type === MESSAGE.deleteLink) this.#takeLink(message, type);
    else if (type === MESSAGE.newRoute || type === MESSAGE.deleteRoute) this.#takeRoute(message, type);
    else if (type === MESSAGE.newNexthop || type === MESSAGE.deleteNexthop) this.#takeNexthop(message);
    else this.#changed.ask();
  }

  /** Whether a link's state changed. Most messages about links report other things. */
  #takeLink(data: Buffer, type: number): void {
    if (data.length < NETLINK_HEADER + IFINFO.size) return;
    const index = data.readInt32LE(NETLINK_HEADER + IFINFO.index);
    const up = type === MESSAGE.deleteLink ? -1 : data.readUInt32LE(NETLINK_HEADER + IFINFO.flags) & UP;
    if (this.#links.get(index) === up) return;
    if (up === -1) this.#links.delete(index);
    else this.#links.set(index, up);
    this.#changed.ask();
  }

  #takeNexthop(data: Buffer): void {
    // A routing daemon's table comes with its nexthop objects.
    if (this.#follower.flooded()) return;
    const id = nexthopIdOf(data);
    if (id === null || this.#concern().objects.has(id)) this.#changed.ask();
  }

  #takeRoute(data: Buffer, type: number): void {
    const route = this.#follower.flooded() ? null : readRoute(data, 0, data.length);
    if (route === null) return;
    const { keys, waiting } = this.#concern();
    const concerned = keys.has(keyText(route));
    const isOwnChange = type === MESSAGE.newRoute && route.protocol === HOLDFAST;
    if (concerned && !isOwnChange) this.#touches.remember(keyText(route), data);
    const onLink = type === MESSAGE.newRoute && route.hops.some(({ gateway }) => gateway === null);
    if (concerned || (waiting && onLink)) this.#changed.ask();
  }
}
