/** The routing tables in which packets are looked up: by a rule (`ip rule`) or by the device of a VRF. */
import type { Family } from '../../../address/address.ts';
import { links } from '../links.ts';
import type { NetlinkSocket } from '../socket.ts';
import { rulesBy } from './rule-list.ts';

/**
 * Asks by the caller's socket, because a process whose memory is full can open no other one. Throws NetlinkError if the kernel
 * does not answer.
 */
export async function tablesInUse(socket: NetlinkSocket, family: Family, signal: AbortSignal): Promise<Set<number>> {
  const tables = new Set((await rulesBy(socket, family, signal)).map(({ table }) => table));
  for (const { vrfTable } of (await links(socket, signal)).values()) if (vrfTable !== null) tables.add(vrfTable);
  return tables;
}
