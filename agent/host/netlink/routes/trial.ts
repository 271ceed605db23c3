/** A route that is added and deleted again, to learn whether the kernel could take one more. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Family } from '../../../address/address.ts';
import { attribute, FAMILY, FLAG, MESSAGE, uint32 } from '../message-layout.ts';
import { change, type RouteChange } from '../request.ts';
import type { NetlinkSocket } from '../socket.ts';
import { RTA, RTMSG } from './rtmsg.ts';

/**
 * "HOLD" in ASCII: a table number that no operator chooses by accident (52 is tailscale's, routing daemons count from 1
 * or 1,000).
 */
export const TRIAL_TABLE = 0x484f4c44;
/** Documentation prefixes (RFC 5737, RFC 3849): no real packets go there. */
const PREFIX = {
  ipv4: { length: 24, address: Buffer.from([192, 0, 2, 0]) },
  ipv6: { length: 32, address: Buffer.from('20010db8000000000000000000000000', 'hex') },
} as const;

const RTPROT_STATIC = 4;
const RTN_UNREACHABLE = 7;

/**
 * Adds and deletes one unreachable route in TRIAL_TABLE, both within one system call, so that it never outlives this
 * process. Returns null for success, or the name of the kernel's error (`ENOMEM`).
 */
export async function tryRoute(socket: NetlinkSocket, family: Family, signal: AbortSignal): Promise<string | null> {
  const changes: RouteChange[] = [
    { type: MESSAGE.newRoute, flags: FLAG.create | FLAG.exclusive, body: route(family) },
    { type: MESSAGE.deleteRoute, flags: 0, body: route(family) },
  ];
  let [added] = await change(socket, changes, signal);
  // The route exists: left behind, or part of another trial at this moment. The deletion has removed it, so there is
  // room now.
  if (added === constants.errno.EEXIST) [added] = await change(socket, changes, signal);
  return added === 0 ? null : getSystemErrorName(-added!);
}

function route(family: Family): Buffer[] {
  const { length, address } = PREFIX[family];
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = length;
  rtmsg[RTMSG.protocol] = RTPROT_STATIC;
  rtmsg[RTMSG.type] = RTN_UNREACHABLE;
  return [rtmsg, attribute(RTA.destination, address), attribute(RTA.table, uint32(TRIAL_TABLE))];
}
