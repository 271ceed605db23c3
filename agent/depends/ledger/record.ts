/** The record of the ledger's tables. It is in /run, so it lives as long as the tables. */
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { LedgerScope } from './table-text.ts';

export const LEDGER_RECORD = `${RUN_FOLDER}/ledger`;

export interface TableRecord {
  /** The rules that nft(8) got. */
  readonly rules: string;
  /** The kernel's table at that time (tableIdentity); null if it was not seen. */
  readonly identity: string | null;
  /** Milliseconds since the epoch at which the table began to count. */
  readonly since: number;
  /** Seconds that an element outlives its last packet. */
  readonly expiry: number;
  /** Why control groups are not counted; null if they are. */
  readonly unitless: string | null;
  /** The addresses of the table `retire`, each with the time since which the table counts it. */
  readonly addresses: Readonly<Record<string, number>>;
}

export type LedgerRecord = Readonly<Partial<Record<LedgerScope, TableRecord>>>;

/** Whether a table of the ledger exists, or may exist. */
export function isLedgerLeft(host: Host): boolean {
  return host.lstat(LEDGER_RECORD) !== null;
}

/** Empty if there is none, or it cannot be read. Only root writes in that folder. */
export function readLedgerRecord(host: Host): LedgerRecord {
  try {
    const record: unknown = JSON.parse(host.readText(LEDGER_RECORD) ?? '{}');
    return record !== null && typeof record === 'object' ? (record as LedgerRecord) : {};
  } catch {
    return {};
  }
}

/** null removes the table from the record, and the record with its last table. */
export function noteTable(host: Host, scope: LedgerScope, table: TableRecord | null): void {
  const record: LedgerRecord = { ...readLedgerRecord(host), [scope]: table ?? undefined };
  if (Object.values(record).every((one) => one === undefined)) {
    host.remove(LEDGER_RECORD);
    return;
  }
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(LEDGER_RECORD, `${JSON.stringify(record)}\n`, 0o600);
}
