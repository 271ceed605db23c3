/**
 * Every nftables table of Holdfast that watches who sends what, all of the family inet. `agent revert` removes these, and
 * so do packaging/deb/postrm and packaging/rpm/postun, which have the same list. (The table `inet holdfast` is a setting:
 * resources/masquerade.)
 */
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';

export const WATCHING_TABLES = {
  /** The ledger: every name server. */
  all: 'holdfast_ledger',
  /** The ledger: the addresses of `retire`. */
  retire: 'holdfast_retire',
  /** For as long as `agent depends --watch` runs. */
  watch: 'holdfast_watch',
  /** For as long as `agent rehearse without` runs. */
  rehearsal: 'holdfast_rehearsal',
} as const;
export type WatchingTable = (typeof WATCHING_TABLES)[keyof typeof WATCHING_TABLES];

/** The table in findings and outcomes. */
export function tableKey(table: WatchingTable): string {
  return `nftables table inet ${table}`;
}

/** The tables of commands, each for one address. */
const ONE_ADDRESS_TABLES = [WATCHING_TABLES.watch, WATCHING_TABLES.rehearsal] as const;
export type OneAddressTable = (typeof ONE_ADDRESS_TABLES)[number];

/** The lock of the command that has the table. The file is made before the table, and stays until the next boot. */
export function lockOfTable(table: OneAddressTable): string {
  return `${RUN_FOLDER}/${table}`;
}

/** Whether a command made such a table since the boot: if it was killed, the table is still there. */
export function mayTableOfCommandBeLeft(host: Host): boolean {
  return ONE_ADDRESS_TABLES.some((table) => host.lstat(lockOfTable(table)) !== null);
}

/** One transaction of nft(8) that removes the table, if there is one. */
export function removedTable(table: WatchingTable): string {
  return `add table inet ${table}\ndelete table inet ${table}\n`;
}
