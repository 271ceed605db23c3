/** The routing tables in which packets are looked up: by a rule (`ip rule`) or by the device of a VRF. */
import type { Family } from '../../../address/address.ts';
import { dump } from '../dump.ts';
import { links } from '../links.ts';
import { attributes, FAMILY, MESSAGE, NETLINK_HEADER } from '../message-layout.ts';
import type { NetlinkSocket } from '../socket.ts';

const RULE_HEADER = 12;
const TABLE = 4;
const TABLE_ATTRIBUTE = 15;

/** Throws NetlinkError if the kernel does not say. */
export async function tablesInUse(socket: NetlinkSocket, family: Family, signal: AbortSignal): Promise<Set<number>> {
  const body = Buffer.alloc(RULE_HEADER);
  body[0] = FAMILY[family];
  const tables = await dump(socket, { get: MESSAGE.getRule, gives: MESSAGE.newRule, body }, gatherTables, signal);
  for (const { vrfTable } of (await links(socket, signal)).values()) if (vrfTable !== null) tables.add(vrfTable);
  return tables;
}

function gatherTables() {
  const tables = new Set<number>();
  return {
    take(data: Buffer, at: number, end: number): false {
      tables.add(data[at + NETLINK_HEADER + TABLE]!);
      for (const { type, start } of attributes(data, at + NETLINK_HEADER + RULE_HEADER, end)) {
        if (type === TABLE_ATTRIBUTE) tables.add(data.readUInt32LE(start));
      }
      return false;
    },
    result: () => tables,
  };
}
