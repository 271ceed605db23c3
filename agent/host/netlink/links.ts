/** Interfaces: their names, and the routing tables of those that are VRFs (rtnetlink(7), RTM_GETLINK). */
import { dump } from './dump.ts';
import { attributes, HEADER, MESSAGE } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const IFINFOMSG = 16;
const INDEX = 4;
const NAME = 3;
const LINK_INFO = 18;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VRF_TABLE = 1;

export interface Link {
  readonly name: string;
  /** The table that packets of this VRF are looked up in; null: it is no VRF. */
  readonly vrfTable: number | null;
}

/** By interface index. */
export function links(socket: NetlinkSocket, signal: AbortSignal): Promise<Map<number, Link>> {
  const gather = () => {
    const found = new Map<number, Link>();
    return {
      take(data: Buffer, at: number, end: number): false {
        found.set(data.readInt32LE(at + HEADER + INDEX), readLink(data, at + HEADER + IFINFOMSG, end));
        return false;
      },
      result: () => found,
    };
  };
  return dump(socket, { get: MESSAGE.getLink, gives: MESSAGE.newLink, body: Buffer.alloc(IFINFOMSG) }, gather, signal);
}

function readLink(data: Buffer, from: number, to: number): Link {
  let name = '';
  let vrfTable: number | null = null;
  for (const { type, start, end } of attributes(data, from, to)) {
    if (type === NAME) name = text(data, start, end);
    if (type === LINK_INFO) vrfTable = readVrfTable(data, start, end);
  }
  return { name, vrfTable };
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
