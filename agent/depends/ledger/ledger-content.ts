/** The ledger's content: who asked which name server, how often, and when last. */
import type { IpAddress } from '../../address/accepted.ts';
import { addressOfBytes } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import { type SetElement, setElements } from '../../host/netlink/nftables/set-elements.ts';
import { containerText } from '../../host/process/container-names.ts';
import { containerOf } from '../../host/process/containers.ts';
import type { GroupNames } from './group-names.ts';
import { unitInPath } from './group-names.ts';
import { WATCHING_TABLES } from './our-tables.ts';
import { readLedgerRecord, recordedIdentity, type TableRecord } from './record.ts';
import type { SourceNames } from './source-names.ts';
import {
  FAMILIES,
  LEDGER_SCOPES,
  LEDGER_SETS,
  type LedgerScope,
  type LedgerSet,
  type LedgerShape,
  ROOM,
} from './table-text.ts';
import { userNames } from './user-names.ts';

/** One asker of one server. */
export interface LedgerEntry {
  readonly server: IpAddress;
  /** The asker's unit, container or control group; the address of a forwarded packet's source if it has no name here. */
  readonly unit: string | null;
  /** null for packets without a socket of this host: forwarded ones. */
  readonly user: string | null;
  readonly packets: number;
  /** Milliseconds since the epoch. */
  readonly last: number;
}

/** One table as it is in the kernel. */
export interface LedgerTable extends Pick<TableRecord, 'unitless' | 'addresses' | 'expiry'> {
  readonly scope: LedgerScope;
  /** Milliseconds since the epoch from which on every asker is in the table; null while a set has no room. */
  readonly since: number | null;
  /** Without Holdfast's own units, which ask only the servers that the configuration names. */
  readonly asked: readonly LedgerEntry[];
  /** What the kernel has, by set and key. */
  readonly elements: ReadonlyMap<string, Pick<LedgerEntry, 'packets' | 'last'>>;
  /** The numbers of all control groups in it. */
  readonly groups: ReadonlySet<number>;
}

/** Who sent something to the addresses of one counting table. */
export interface Counts extends Pick<LedgerTable, 'asked' | 'elements' | 'groups'> {
  /** Whether a set has no room, so that some askers are missing. */
  readonly full: boolean;
}

/** A table that does not count, although it was made. */
export interface MissingTable extends Pick<TableRecord, 'addresses'> {
  readonly scope: LedgerScope;
  /**
   * `removed` and `changed`: by another program; a table that was removed and made anew is changed. `unmade`: we could not
   * make it.
   */
  readonly why: 'removed' | 'changed' | 'unmade';
}

export interface Ledger {
  readonly tables: readonly LedgerTable[];
  readonly missing: readonly MissingTable[];
}

/** The unit of a control group that ended before anybody saw its name. */
const ENDED = '(ended)';
const OWN = /^holdfast(?:-apply)?\.service$/;

export interface AskerNames {
  readonly groups: GroupNames;
  readonly sources: SourceNames;
}

/**
 * Reads all tables from the kernel. Only the very tables that the record is about count: an equal table that another
 * program made later has forgotten its askers. An empty ledger: nothing is counted. Throws HostError and NetlinkError.
 */
export async function readLedger(host: Host, names: AskerNames, signal: AbortSignal): Promise<Ledger> {
  const record = readLedgerRecord(host);
  const tables: LedgerTable[] = [];
  const missing: MissingTable[] = [];
  for (const scope of LEDGER_SCOPES) {
    const made = record[scope];
    if (made === undefined) continue;
    const shape = { expiry: made.expiry, units: made.unitless === null };
    const counts = await readCounts(host, WATCHING_TABLES[scope], shape, names, signal);
    const { unitless, addresses, expiry, identity } = made;
    // After the elements: they came from this table.
    const isOurs = counts !== null && identity === (await recordedIdentity(WATCHING_TABLES[scope], signal));
    const why = identity === null ? 'unmade' : counts === null ? 'removed' : 'changed';
    if (!isOurs) missing.push({ scope, why, addresses });
    else tables.push({ scope, unitless, addresses, expiry, since: counts.full ? null : made.since, ...counts });
  }
  return { tables, missing };
}

/**
 * One row for each asker of all tables. The addresses of `retire` are in both tables: the row with more packets was
 * counted for longer.
 */
export function askersIn(tables: readonly LedgerTable[]): LedgerEntry[] {
  const rows = new Map<string, LedgerEntry>();
  for (const row of tables.flatMap(({ asked }) => asked)) {
    const key = keyOf(row);
    if (row.packets >= (rows.get(key)?.packets ?? 0)) rows.set(key, row);
  }
  return [...rows.values()];
}

/** The unit and user of an asker, in words. */
export function askerText({ unit, user }: LedgerEntry): string {
  const owner = user === null ? 'forwarded' : `user ${user}`;
  return unit === null ? owner : `${unit} (${owner})`;
}

/** Reads one counting table; null if it does not exist. Throws NetlinkError. */
export async function readCounts(
  host: Host,
  table: string,
  shape: LedgerShape,
  names: AskerNames,
  signal: AbortSignal,
): Promise<Counts | null> {
  const sets = setNames(shape.units);
  const elements = await setElements(
    table,
    sets.map(({ name }) => name),
    signal,
  );
  return elements === null ? null : countsOf(host, sets, elements, shape.expiry * 1000, names);
}

interface NamedSet {
  readonly name: string;
  readonly set: LedgerSet;
  /** Bytes of an address. */
  readonly width: 4 | 16;
}

function setNames(units: boolean): NamedSet[] {
  return FAMILIES.flatMap(({ digit }) =>
    LEDGER_SETS.filter((set) => units || set !== 'unit').map(
      (set) => ({ name: `${set}${digit}`, set, width: digit === 4 ? 4 : 16 }) as const,
    ),
  );
}

/** `expiry` in milliseconds. */
function countsOf(
  host: Host,
  sets: readonly NamedSet[],
  elements: ReadonlyMap<string, readonly SetElement[]>,
  expiry: number,
  { groups, sources }: AskerNames,
): Counts {
  const now = Date.now();
  const rows = sets.flatMap(({ name, set, width }) =>
    elements.get(name)!.flatMap((element) => {
      const row = rowOf(element, set, width, now, expiry);
      return row === null ? [] : [{ ...row, id: `${name} ${element.key.toString('base64')}` }];
    }),
  );
  const numbers = new Set(rows.flatMap(({ group }) => group ?? []));
  // A container's name is read from the files of its engine: once, however many servers it asked.
  const units = new Map([...groups.pathsOf(numbers)].map(([group, path]) => [group, askerInPath(host, path)]));
  const users = userNames(host);
  const asked = rows.map(({ server, uid, group, source, packets, last }): LedgerEntry => {
    const ofGroup = group === null ? null : (units.get(group) ?? ENDED);
    const unit = source === null ? ofGroup : (sources.nameOf(source) ?? source);
    return { server, unit, user: uid === null ? null : (users.get(uid) ?? String(uid)), packets, last };
  });
  return {
    asked: merged(asked.filter(({ unit }) => unit === null || !OWN.test(unit))),
    elements: new Map(rows.map(({ id, packets, last }) => [id, { packets, last }])),
    groups: numbers,
    full: sets.some(({ name }) => elements.get(name)!.length >= ROOM),
  };
}

/** The container or unit that a control group belongs to. */
function askerInPath(host: Host, path: string): string {
  const container = containerOf(path);
  return container === null ? unitInPath(path) : containerText(host, container);
}

interface Row extends Pick<LedgerEntry, 'server' | 'packets' | 'last'> {
  readonly uid: number | null;
  readonly group: number | null;
  readonly source: string | null;
}

/** null for an element of another form, which is not ours. */
function rowOf(
  { key, packets, timeout, left }: SetElement,
  set: LedgerSet,
  width: 4 | 16,
  now: number,
  expiry: number,
): Row | null {
  const rest = key.length - width;
  const wanted = { unit: 12, user: 4, bare: 0, from: width }[set];
  if (rest !== wanted || packets === null || left === null) return null;
  return {
    server: addressOfBytes(key.subarray(0, width)),
    uid: set === 'unit' || set === 'user' ? key.readUInt32LE(width) : null,
    group: set === 'unit' ? Number(key.readBigUInt64LE(width + 4)) : null,
    source: set === 'from' ? addressOfBytes(key.subarray(width)) : null,
    packets,
    last: now - ((timeout ?? expiry) - left),
  };
}

/** One row for each server, unit and user: a unit has another control group after each start. Latest first. */
function merged(rows: readonly LedgerEntry[]): LedgerEntry[] {
  const found = new Map<string, LedgerEntry>();
  for (const row of rows) {
    const key = keyOf(row);
    const other = found.get(key);
    const sum =
      other === undefined
        ? row
        : { ...row, packets: row.packets + other.packets, last: Math.max(row.last, other.last) };
    found.set(key, sum);
  }
  return [...found.values()].sort((a, b) => b.last - a.last);
}

function keyOf({ server, unit, user }: LedgerEntry): string {
  return JSON.stringify([server, unit, user]);
}
