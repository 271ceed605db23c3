/** Removes the tables of the ledger, and those that killed commands left. Tables of other programs stay. */
import { tableKey, WATCHING_TABLES } from '../../depends/ledger/our-tables.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { removeWatchingTable } from './tables.ts';

/** One outcome for each table that was there. */
export async function revertWatchingTables(host: Host): Promise<Outcome[]> {
  const removed = Object.values(WATCHING_TABLES).map(async (table): Promise<Outcome> => {
    const outcome = await removeWatchingTable(host, table);
    return { resource: 'revert', key: tableKey(table), moment: 'now', ...outcome };
  });
  return (await Promise.all(removed)).filter(({ result }) => result !== 'ok');
}
