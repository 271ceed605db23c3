/** The record of the ledger's tables. It is in /run, so it lives as long as the tables. */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { tableIdentity } from '../../host/netlink/nftables/nftables.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { WatchingTable } from './our-tables.ts';
import type { LedgerScope } from './table-text.ts';

export const LEDGER_RECORD = `${RUN_FOLDER}/ledger`;

export interface TableRecord {
  /** The rules that nft(8) got. */
  readonly rules: string;
  /** The kernel's table at that time (recordedIdentity); null if it was not seen. */
  readonly identity: string | null;
  /** Milliseconds since the epoch at which the table began to count. */
  readonly since: number;
  /** The value of `clockOffset` when the times were written. */
  readonly clock: number;
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

/** Milliseconds by which two readings of the clocks may differ without a step. */
const SLACK = 1000;

/**
 * The time of the epoch at which CLOCK_MONOTONIC was 0. It changes when the clock is set, and by the time for which the
 * host slept.
 */
const clockOffset = () => Date.now() - Number(process.hrtime.bigint() / 1_000_000n);

/** The kernel's table as it is now. An equal table that was made later is another one. Throws NetlinkError. */
export function recordedIdentity(table: WatchingTable, signal: AbortSignal): Promise<string | null> {
  return tableIdentity(table, signal, { made: true });
}

/**
 * All times are by the present clock. Empty if there is no record, or it is damaged. Only root writes in that folder.
 * Throws HostError if the record cannot be read.
 */
export function readLedgerRecord(host: Host): LedgerRecord {
  try {
    const record: unknown = JSON.parse(host.readText(LEDGER_RECORD) ?? '{}');
    if (record === null || typeof record !== 'object') return {};
    return Object.fromEntries(Object.entries(record as LedgerRecord).map(([scope, table]) => [scope, byClock(table)]));
  } catch (error) {
    if (error instanceof HostError) throw error;
    return {};
  }
}

/** A clock that is set forward must not make the count older, and the time for which the host slept does not count. */
function byClock(table: TableRecord): TableRecord {
  const clock = clockOffset();
  const step = clock - (table.clock ?? clock);
  return Math.abs(step) <= SLACK ? table : { ...withTimes(table, (time) => time + step), clock };
}

function withTimes(table: TableRecord, later: (time: number) => number): TableRecord {
  const addresses = Object.entries(table.addresses).map(([address, time]) => [address, later(time)]);
  return { ...table, since: later(table.since), addresses: Object.fromEntries(addresses) };
}

/** null removes the table from the record, and the record with its last table. */
export function noteTable(host: Host, scope: LedgerScope, table: Omit<TableRecord, 'clock'> | null): void {
  const noted = table === null ? undefined : { ...table, clock: clockOffset() };
  const record: LedgerRecord = { ...readLedgerRecord(host), [scope]: noted };
  if (Object.values(record).every((one) => one === undefined)) {
    host.remove(LEDGER_RECORD);
    return;
  }
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(LEDGER_RECORD, `${JSON.stringify(record)}\n`, 0o600);
}

/** Notes that the table lost some askers: it counts everybody only from `time` on, in milliseconds since the epoch. */
export function noteLoss(host: Host, scope: LedgerScope, time: number): void {
  const table = readLedgerRecord(host)[scope];
  if (table !== undefined)
    noteTable(
      host,
      scope,
      withTimes(table, (one) => Math.max(one, time)),
    );
}
