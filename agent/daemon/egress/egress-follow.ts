/** Listens to the kernel for changes of IPv4 default routes, which saves polling. */
import { Follower } from '../../host/netlink/follower.ts';
import { FAMILY, MESSAGE, NETLINK_HEADER } from '../../host/netlink/message-layout.ts';
import { RTMSG } from '../../host/netlink/routes/rtmsg.ts';
import { eachMessage } from '../../host/netlink/socket.ts';

const NETLINK_ROUTE = 0;
/**
 * RTNLGRP_… of linux/rtnetlink.h. The kernel reports no lost route if the route's link or nexthop object goes, so we
 * listen to both.
 */
const GROUPS = { link: 1, ipv4Route: 7, nexthop: 32 } as const;
/** Milliseconds of a pause in listening, after which a flood of messages counts as one. */
const PAUSE = 250;

/**
 * Calls `changed` for each message that may mean a change, and if messages may have been lost. Throws if the kernel
 * refuses the socket.
 */
export function followDefaults(changed: () => void): { close(): void } {
  const follower: Follower = new Follower({
    protocol: NETLINK_ROUTE,
    groups: Object.values(GROUPS),
    pause: PAUSE,
    onBegin: changed,
    onMessage: (datagram) => {
      try {
        eachMessage(datagram, (data, at, end) => {
          if (concerns(data, at, end)) changed();
          return follower.flooded();
        });
      } catch {
        changed(); // the message is damaged
      }
    },
  });
  return follower;
}

/** Every message counts, except one about a route that is no default route. */
function concerns(data: Buffer, at: number, end: number): boolean {
  const type = data.readUInt16LE(at + 4);
  if (type !== MESSAGE.newRoute && type !== MESSAGE.deleteRoute) return true;
  const body = at + NETLINK_HEADER;
  if (body + RTMSG.size > end || data[body + RTMSG.family] !== FAMILY.ipv4) return false;
  return data[body + RTMSG.destinationLength] === 0;
}
