/**
 * Listens to the kernel for the name servers and search domains of router advertisements, and keeps the last ones of each
 * router for `agent status`. They go nowhere else: a machine on the link can advertise anything.
 */

import { isoTime } from '../host/iso-time.ts';
import type { AdvertisedServers } from '../host/netlink/advertised-servers.ts';
import type { Follower } from '../host/netlink/follower.ts';

const NETLINK_ROUTE = 0;
/** RTNLGRP_ND_USEROPT of linux/rtnetlink.h. */
const GROUP = 20;
/** Milliseconds without listening after a flood. Routers advertise themselves again. */
const PAUSE = 10_000;
/** If there are more, the one that was heard longest ago is forgotten. */
const MOST_HEARD = 64;

/** `until`: ISO 8601; null without end. */
export type HeardServers = Omit<AdvertisedServers, 'lifetime'> & { readonly until: string | null };

export class AdvertisedWatch {
  #follower: Follower | null = null;
  #isClosed = false;
  /** By interface, router and kind. `ends`: by performance.now(). */
  readonly #heard = new Map<string, { readonly servers: HeardServers; readonly ends: number }>();

  /** Without the kernel's socket nothing is heard, and nothing else is wrong. */
  async start(): Promise<void> {
    try {
      const { Follower } = await import('../host/netlink/follower.ts');
      const { eachMessage } = await import('../host/netlink/socket.ts');
      const { readAdvertisedServers } = await import('../host/netlink/advertised-servers.ts');
      if (this.#isClosed) return;
      const onMessage = (datagram: Buffer) => {
        try {
          eachMessage(datagram, (data, at, end) => {
            const advertised = readAdvertisedServers(data, at, end);
            if (advertised !== null) this.take(advertised);
            return this.#follower?.flooded() ?? false;
          });
        } catch {
          // The message is damaged. The router advertises itself again.
        }
      };
      const followed = { protocol: NETLINK_ROUTE, groups: [GROUP], pause: PAUSE, onMessage, onBegin: () => {} };
      this.#follower = new Follower(followed);
    } catch {
      // This kernel or this sandbox refuses the socket.
    }
  }

  take({ lifetime, ...advertised }: AdvertisedServers): void {
    const key = `${advertised.index} ${advertised.router} ${advertised.kind}`;
    this.#heard.delete(key);
    if (lifetime === 0) return;
    if (this.#heard.size >= MOST_HEARD) this.#heard.delete(this.#heard.keys().next().value!);
    const milliseconds = lifetime === null ? Number.POSITIVE_INFINITY : lifetime * 1000;
    const until = lifetime === null ? null : isoTime(Date.now() + milliseconds);
    this.#heard.set(key, { servers: { ...advertised, until }, ends: performance.now() + milliseconds });
  }

  /** What still holds. */
  heard(): HeardServers[] {
    const now = performance.now();
    for (const [key, { ends }] of this.#heard) if (ends <= now) this.#heard.delete(key);
    return [...this.#heard.values()].map(({ servers }) => servers);
  }

  close(): void {
    this.#isClosed = true;
    this.#follower?.close();
  }
}
