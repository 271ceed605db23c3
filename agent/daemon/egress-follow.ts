/** Hears from the kernel when an IPv4 default route may have changed, so that nobody has to poll for it. */
import { Follower } from '../host/netlink/follower.ts';
import { FAMILY, HEADER, MESSAGE } from '../host/netlink/message.ts';
import { RTMSG } from '../host/netlink/rtmsg.ts';
import { eachMessage } from '../host/netlink/socket.ts';

const NETLINK_ROUTE = 0;
/** RTNLGRP_… of linux/rtnetlink.h. A route goes without a word of its own when its link or its nexthop object goes. */
const GROUPS = { link: 1, ipv4Route: 7, nexthop: 32 } as const;
/** Milliseconds for which a flood of messages is not listened to. */
const PAUSE = 250;

/**
 * Calls `changed` for each message that may mean so, and where some may have been lost. Throws where the kernel cannot be
 * listened to.
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
        changed(); // damaged
      }
    },
  });
  return follower;
}

/** Any message but one of another route. */
function concerns(data: Buffer, at: number, end: number): boolean {
  const type = data.readUInt16LE(at + 4);
  if (type !== MESSAGE.newRoute && type !== MESSAGE.deleteRoute) return true;
  const body = at + HEADER;
  if (body + RTMSG.size > end || data[body + RTMSG.family] !== FAMILY.ipv4) return false;
  return data[body + RTMSG.destinationLength] === 0;
}
