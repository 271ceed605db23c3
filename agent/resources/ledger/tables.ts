/**
 * The ledger's tables. They belong to Holdfast: rules of other programs in them are removed. A table that differs is
 * made anew and begins at zero, and its record says since when it counts. Addresses of `retire` come and go without
 * that.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { removedTable, tableKey, WATCHING_TABLES, type WatchingTable } from '../../depends/ledger/our-tables.ts';
import {
  type LedgerRecord,
  noteTable,
  readLedgerRecord,
  recordedIdentity,
  type TableRecord,
} from '../../depends/ledger/record.ts';
import { LEDGER_SCOPES, type LedgerScope, ledgerTable, retiredAddresses } from '../../depends/ledger/table-text.ts';
import { appliedAtBoot } from '../../hold/boot-apply.ts';
import type { Finding, Outcome, SettingState } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { NFT_MISSING, nft } from '../../host/kernel/nft.ts';
import type { WantedTables } from './wanted.ts';

const PLACE = { resource: 'ledger', moment: 'now' } as const;

/** Milliseconds for the kernel's answer. */
const TIME_LIMIT = 10_000;

/** Seconds: a day and an hour, so that a daily job is still there when it asks again. */
const EXPIRY = 25 * 3600;
const LONGEST_EXPIRY = 30 * 86_400;

const ledgerKey = (scope: LedgerScope) => tableKey(WATCHING_TABLES[scope]);

/** `longestLease` in seconds; null if unknown. */
export async function inspectTables(host: Host, wanted: WantedTables, longestLease: number | null): Promise<Finding[]> {
  if (!host.live) {
    const reason = notOfTheseFiles();
    return [...wanted.keys()].map((scope) =>
      finding(host, scope, { state: 'skipped', wanted: describe(scope, wanted), actual: null, reason }),
    );
  }
  const record = nullIfRefused(() => readLedgerRecord(host)) ?? {};
  const found = LEDGER_SCOPES.map((scope) => inspectTable(host, scope, wanted, record, longestLease));
  return (await Promise.all(found)).filter((one) => one !== null);
}

async function inspectTable(
  host: Host,
  scope: LedgerScope,
  wanted: WantedTables,
  record: LedgerRecord,
  longestLease: number | null,
): Promise<Finding | null> {
  const made = record[scope];
  if (!wanted.has(scope) && made === undefined) return null;
  const identity = await identityOf(WATCHING_TABLES[scope]);
  if (!wanted.has(scope)) return finding(host, scope, { state: 'drifted', wanted: null, actual: 'is there' });
  const text = describe(scope, wanted);
  const drifted = (actual: string | null) => finding(host, scope, { state: 'drifted', wanted: text, actual });
  if (identity === null) return drifted(null);
  if (made === undefined || made.rules !== rulesOf(scope, made, expiryOf(made, longestLease)))
    return drifted('other rules, of an earlier version or for shorter leases');
  if (made.identity !== identity) return drifted('other rules, made by another program');
  if (Object.keys(made.addresses).join() !== wanted.get(scope)!.join()) return drifted('counts other addresses');
  const note = made.unitless === null ? {} : { reason: `counts users, but no units: ${made.unitless}` };
  return finding(host, scope, { state: 'ok', wanted: text, actual: text, ...note });
}

export async function applyLedgerTable(
  host: Host,
  key: string,
  wanted: WantedTables,
  longestLease: number | null,
): Promise<Outcome> {
  const scope = LEDGER_SCOPES.find((one) => ledgerKey(one) === key)!;
  const addresses = wanted.get(scope);
  if (addresses === undefined) return { ...PLACE, key, ...(await removeWatchingTable(host, WATCHING_TABLES[scope])) };
  const made = readLedgerRecord(host)[scope];
  const rules = made && rulesOf(scope, made, expiryOf(made, longestLease));
  const isOurs = made?.rules === rules && made?.identity === (await identityOf(WATCHING_TABLES[scope]));
  const problem =
    made !== undefined && isOurs && scope === 'retire'
      ? changeAddresses(host, made, addresses)
      : await makeTable(host, scope, addresses, expiryOf(made, longestLease));
  if (problem !== null) return { ...PLACE, key, result: 'failed', actual: null, reason: problem };
  return { ...PLACE, key, result: 'changed', actual: describe(scope, wanted) };
}

/** Removes only that table, and its record. */
export async function removeWatchingTable(
  host: Host,
  table: WatchingTable,
): Promise<Pick<Outcome, 'result' | 'actual' | 'reason'>> {
  if (!host.live) return { result: 'skipped', actual: null, reason: notOfTheseFiles() };
  const there = await identityOf(table);
  const problem = there === null ? null : nft(host, removedTable(table));
  if (problem !== null) return { result: 'failed', actual: 'is there', reason: problem };
  for (const scope of LEDGER_SCOPES) if (WATCHING_TABLES[scope] === table) noteTable(host, scope, null);
  return { result: there === null ? 'ok' : 'changed', actual: null };
}

/** Keeps the counts of addresses that stay. Returns the error; null if the table counts them. */
function changeAddresses(host: Host, made: TableRecord, addresses: readonly IpAddress[]): string | null {
  const now = Date.now();
  const problem = nft(host, retiredAddresses(addresses));
  if (problem !== null) return problem;
  const since = addresses.map((one) => [one, made.addresses[one] ?? now]);
  noteTable(host, 'retire', { ...made, addresses: Object.fromEntries(since) });
  return null;
}

/** Returns the error; null if the table counts. */
async function makeTable(
  host: Host,
  scope: LedgerScope,
  addresses: readonly IpAddress[],
  expiry: number,
): Promise<string | null> {
  const since = Date.now();
  const base = { since, expiry, addresses: Object.fromEntries(addresses.map((one) => [one, since])) };
  // Recorded first: if this process is killed in the middle, the next one knows that our table may exist.
  noteTable(host, scope, { ...base, rules: '', identity: null, unitless: null });
  const make = (units: boolean) =>
    nft(host, ledgerTable(scope, { expiry, units }) + (scope === 'retire' ? retiredAddresses(addresses) : ''));
  const unitless = make(true);
  const problem = unitless === null || unitless === NFT_MISSING ? unitless : make(false);
  if (problem !== null) return problem;
  const identity = await identityOf(WATCHING_TABLES[scope]);
  if (identity === null) return 'read back after the change, the table does not exist';
  const rules = ledgerTable(scope, { expiry, units: unitless === null });
  noteTable(host, scope, { ...base, rules, identity, unitless });
  return null;
}

function identityOf(table: WatchingTable): Promise<string | null> {
  return recordedIdentity(table, AbortSignal.timeout(TIME_LIMIT));
}

function rulesOf(scope: LedgerScope, { unitless }: TableRecord, expiry: number): string {
  return ledgerTable(scope, { expiry, units: unitless === null });
}

/** Seconds, at least twice the longest lease. It never shrinks, because that would cost the counts. */
function expiryOf(made: TableRecord | undefined, longestLease: number | null): number {
  return Math.max(EXPIRY, made?.expiry ?? 0, Math.min(2 * (longestLease ?? 0), LONGEST_EXPIRY));
}

function describe(scope: LedgerScope, wanted: WantedTables): string {
  return scope === 'all' ? 'counts who asks which name server' : `counts who asks ${wanted.get(scope)!.join(', ')}`;
}

function finding(
  host: Host,
  scope: LedgerScope,
  found: Pick<Finding, 'state' | 'wanted' | 'actual' | 'reason'>,
): Finding {
  const { state, wanted, actual, reason } = found;
  const states = (text: string): SettingState[] => {
    const common = { setting: scope === 'all' ? 'ledger' : 'retire', wanted: text } as const;
    const now = { ...common, moment: 'now', state, actual } as const;
    return [reason === undefined ? now : { ...now, reason }, appliedAtBoot(host)(common)];
  };
  const settings = async () => (wanted === null ? [] : states(wanted));
  return { ...PLACE, ...found, key: ledgerKey(scope), kind: 'table', settings };
}
