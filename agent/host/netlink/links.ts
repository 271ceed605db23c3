/** Interfaces: their names, and the routing tables of those that are VRFs (rtnetlink(7), RTM_GETLINK). */
import { constants } from 'node:os';
import { dump } from './dump.ts';
import { attribute, attributes, IFINFOMSG, MESSAGE, message, NETLINK_HEADER } from './message-layout.ts';
import { errorNumber, kernelError, type NetlinkSocket } from './socket.ts';

const INDEX = 4;
const FLAGS = 8;
const IFF_UP = 1;
const NAME = 3;
const LINK_INFO = 18;
const ALTERNATIVE_NAME = 53;
/** Bytes of an interface's own name (IFNAMSIZ, less its end). An alternative name may have 127. */
const LONGEST_NAME = 15;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VRF_TABLE = 1;

export interface Link {
  readonly name: string;
  readonly index: number;
  /** Switched on (`ip link set up`), with or without a carrier. */
  readonly up: boolean;
  /** The table in which packets of this VRF are looked up; null if the link is no VRF. */
  readonly vrfTable: number | null;
}

/** By interface index. */
export function links(socket: NetlinkSocket, signal: AbortSignal): Promise<Map<number, Link>> {
  const gather = () => {
    const found = new Map<number, Link>();
    return {
      take(data: Buffer, at: number, end: number): false {
        const link = readLink(data, at + NETLINK_HEADER, end);
        found.set(link.index, link);
        return false;
      },
      result: () => found,
    };
  };
  return dump(socket, { get: MESSAGE.getLink, gives: MESSAGE.newLink, body: Buffer.alloc(IFINFOMSG) }, gather, signal);
}

/** The interface with this name, which may be an alternative one, or this index; null if there is none. Throws NetlinkError. */
export async function findLink(
  socket: NetlinkSocket,
  which: string | number,
  signal: AbortSignal,
): Promise<Link | null> {
  let found: Link | null = null;
  const take = (data: Buffer, at: number, end: number): true => {
    if (data.readUInt16LE(at + 4) === MESSAGE.newLink) found = readLink(data, at + NETLINK_HEADER, end);
    else {
      const errno = errorNumber(data, at, end);
      if (errno !== constants.errno.ENODEV) throw kernelError(errno, `interface ${which}`);
    }
    return true;
  };
  const ifinfomsg = Buffer.alloc(IFINFOMSG);
  if (typeof which === 'number') ifinfomsg.writeInt32LE(which, INDEX);
  const body = typeof which === 'number' ? [] : [nameAttribute(which)];
  await socket.converse(message(MESSAGE.getLink, 0, 1, ifinfomsg, ...body), take, signal);
  return found;
}

function nameAttribute(name: string): Buffer {
  const text = Buffer.from(`${name}\0`);
  return attribute(text.length > LONGEST_NAME + 1 ? ALTERNATIVE_NAME : NAME, text);
}

/** `from`: the offset of struct ifinfomsg. */
function readLink(data: Buffer, from: number, to: number): Link {
  let name = '';
  let vrfTable: number | null = null;
  const index = data.readInt32LE(from + INDEX);
  const up = (data.readUInt32LE(from + FLAGS) & IFF_UP) !== 0;
  for (const { type, start, end } of attributes(data, from + IFINFOMSG, to)) {
    if (type === NAME) name = text(data, start, end);
    if (type === LINK_INFO) vrfTable = readVrfTable(data, start, end);
  }
  return { name, index, up, vrfTable };
}

function readVrfTable(data: Buffer, from: number, to: number): number | null {
  const parts = [...attributes(data, from, to)];
  const kind = parts.find(({ type }) => type === INFO_KIND);
  const own = parts.find(({ type }) => type === INFO_DATA);
  if (kind === undefined || own === undefined || text(data, kind.start, kind.end) !== 'vrf') return null;
  const table = [...attributes(data, own.start, own.end)].find(({ type }) => type === VRF_TABLE);
  return table === undefined ? null : data.readUInt32LE(table.start);
}

function text(data: Buffer, start: number, end: number): string {
  return data.toString('latin1', start, end).replace(/\0.*$/s, '');
}
