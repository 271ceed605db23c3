/** Nexthop objects (ip-nexthop(8)): the next hops of a route that names only an object. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { IpAddress } from '../../../address/accepted.ts';
import { attribute, attributes, findAttribute, MESSAGE, message, NETLINK_HEADER, uint32 } from '../message-layout.ts';
import { errorNumber, kernelError, type NetlinkSocket, type Take } from '../socket.ts';
import { addressFromBytes, hopFlags, type SeenHop, type SeenRoute } from './seen-route.ts';

const NHMSG = { size: 8, flags: 4 } as const;
const NHA = { id: 1, group: 2, interface: 5, gateway: 6, operation: 14 } as const;
/**
 * Struct nexthop_grp: the member's number, its weight less one, and since Linux 6.12 the weight's high byte. Older
 * kernels leave arbitrary bits in that byte; NHA_OP_FLAG_RESP_GRP_RESVD_0 says that the byte is valid.
 */
const GROUP = { entry: 8, weight: 4, weightHigh: 5 } as const;
const RESERVED_IS_ZERO = 0x8000_0000;

/**
 * The next hops of a route. If the route names only an object, the kernel is asked for the object. Throws NetlinkError.
 */
export async function hopsOf(
  socket: NetlinkSocket,
  { hops, nexthopId }: Pick<SeenRoute, 'hops' | 'nexthopId'>,
  signal: AbortSignal,
): Promise<readonly SeenHop[]> {
  if (nexthopId === null || hops.length === 1) return hops;
  // If net.ipv4.nexthop_compat_mode is 1, the route itself lists the next hops, with weights that lack the high byte.
  const object = await nexthopObject(socket, nexthopId, 1, signal);
  return object.length === 0 ? hops : object;
}

/**
 * Whether there is such an object; or the name of the error if the kernel does not say (EOPNOTSUPP before Linux 5.3).
 */
export async function hasNexthop(socket: NetlinkSocket, id: number, signal: AbortSignal): Promise<boolean | string> {
  let there: boolean | string = false;
  await ask(socket, id, signal, (data, at, end) => {
    const type = data.readUInt16LE(at + 4);
    const errno = type === MESSAGE.error ? errorNumber(data, at, end) : 0;
    if (type === MESSAGE.newNexthop) there = true;
    else if (errno !== constants.errno.ENOENT) there = errno > 0 ? getSystemErrorName(-errno) : 'EBADMSG';
    return true;
  });
  return there;
}

/** The object's next hop, or those of a group. Empty if the object no longer exists, or leads nowhere. */
async function nexthopObject(
  socket: NetlinkSocket,
  id: number,
  weight: number,
  signal: AbortSignal,
): Promise<SeenHop[]> {
  let hop: SeenHop | null = null;
  let members: GroupMember[] = [];
  const take = (data: Buffer, at: number, end: number): true => {
    const type = data.readUInt16LE(at + 4);
    if (type === MESSAGE.error) {
      const errno = errorNumber(data, at, end);
      if (errno !== constants.errno.ENOENT) throw kernelError(errno, `nexthop object ${id}`);
    }
    if (type !== MESSAGE.newNexthop) return true;
    let index = 0;
    let gateway: IpAddress | null = null;
    for (const { type, start, end: to } of attributes(data, at + NETLINK_HEADER + NHMSG.size, end)) {
      if (type === NHA.interface) index = data.readInt32LE(start);
      if (type === NHA.gateway) gateway = addressFromBytes(data, start, to);
    }
    members = groupMembers(data, at, end);
    if (index !== 0) hop = { gateway, index, weight, ...hopFlags(data[at + NETLINK_HEADER + NHMSG.flags]!) };
    return true;
  };
  await ask(socket, id, signal, take);
  const hops: SeenHop[] = hop === null ? [] : [hop];
  for (const member of members) hops.push(...(await nexthopObject(socket, member.id, member.weight, signal)));
  return hops;
}

export interface GroupMember {
  readonly id: number;
  /** 1 to 65,536. */
  readonly weight: number;
}

/** The members of the group whose message (header first) begins at `at`; empty if the object is no group. */
export function groupMembers(data: Buffer, at: number, end: number): GroupMember[] {
  const from = at + NETLINK_HEADER + NHMSG.size;
  const group = findAttribute(data, from, end, NHA.group);
  if (group === null) return [];
  const flags = findAttribute(data, from, end, NHA.operation);
  const isWide =
    flags !== null && flags.end - flags.start === 4 && (data.readUInt32LE(flags.start) & RESERVED_IS_ZERO) !== 0;
  const members: GroupMember[] = [];
  for (let entry = group.start; entry + GROUP.entry <= group.end; entry += GROUP.entry) {
    const high = isWide ? data[entry + GROUP.weightHigh]! : 0;
    members.push({ id: data.readUInt32LE(entry), weight: high * 256 + data[entry + GROUP.weight]! + 1 });
  }
  return members;
}

async function ask(socket: NetlinkSocket, id: number, signal: AbortSignal, take: Take): Promise<void> {
  const body = [Buffer.alloc(NHMSG.size), attribute(NHA.id, uint32(id))];
  await socket.converse(message(MESSAGE.getNexthop, 0, 1, ...body), take, signal);
}

/** The number of the object that a message (header first) is about; null if the message is damaged. */
export function nexthopIdOf(data: Buffer): number | null {
  const id = findAttribute(data, NETLINK_HEADER + NHMSG.size, data.length, NHA.id);
  return id !== null && id.end - id.start === 4 ? data.readUInt32LE(id.start) : null;
}
