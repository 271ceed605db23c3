/** Whether any rule leads to the tables of the configured routes. A table without such a rule holds routes that no packet takes. */
import type { Family } from '../../address/address.ts';
import { tablesInUse } from '../../host/netlink/rules/tables-in-use.ts';
import { NetlinkError, NetlinkSocket } from '../../host/netlink/socket.ts';
import { MAIN_TABLE } from '../../host/netlink/table-names.ts';

export interface FamilyTable {
  readonly family: Family;
  readonly table: number;
}

/**
 * The tables of these routes, in their order, to which neither a rule of the configuration nor any rule or VRF of the kernel leads.
 * Only if a table is in question is the kernel asked. A family about which the kernel does not answer has none.
 */
export async function tablesWithoutRule(
  routes: readonly FamilyTable[],
  rules: readonly FamilyTable[],
  signal: AbortSignal,
): Promise<FamilyTable[]> {
  const led = new Set(rules.map(tableText));
  const open = new Map(routes.map(({ family, table }) => [tableText({ family, table }), { family, table }]));
  for (const [text, { table }] of open) if (table === MAIN_TABLE || led.has(text)) open.delete(text);
  if (open.size === 0) return [];
  const found: FamilyTable[] = [];
  for (const [family, tables] of Map.groupBy(open.values(), (one) => one.family)) {
    const used = await usedTables(family, signal);
    found.push(...tables.filter(({ table }) => used?.has(table) === false));
  }
  return found;
}

/** null if the kernel does not answer. */
async function usedTables(family: Family, signal: AbortSignal): Promise<ReadonlySet<number> | null> {
  using socket = await NetlinkSocket.open();
  try {
    return await tablesInUse(socket, family, signal);
  } catch (error) {
    if (error instanceof NetlinkError) return null;
    throw error;
  }
}

function tableText({ family, table }: FamilyTable): string {
  return `${family} table ${table}`;
}

/** Why the routes of this table are of no use, and what to do. */
export function unledReason({ family, table }: FamilyTable): string {
  const label = family === 'ipv4' ? 'IPv4' : 'IPv6';
  return `no ${label} rule leads to table ${table}, so no packet takes its routes; write one under rules (priority, from, table: ${table})`;
}
