/** The routing tables in which packets are looked up: by a rule (`ip rule`) or by the device of a VRF. */
import type { Family } from '../../../address/address.ts';
import { links } from '../links.ts';
import { NetlinkError, type NetlinkSocket } from '../socket.ts';
import { listRules } from './rule-list.ts';

/** Throws NetlinkError if the kernel does not say. */
export async function tablesInUse(socket: NetlinkSocket, family: Family, signal: AbortSignal): Promise<Set<number>> {
  const rules = await listRules(family, signal);
  if (rules === null) throw new NetlinkError('EAFNOSUPPORT', `this kernel has no rules of ${family}`);
  const tables = new Set(rules.map(({ table }) => table));
  for (const { vrfTable } of (await links(socket, signal)).values()) if (vrfTable !== null) tables.add(vrfTable);
  return tables;
}
