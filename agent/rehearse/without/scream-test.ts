/**
 * Lets this host do without an address for a while, and sees who suffers. The kernel rejects what is sent to the
 * address, and forgets the address by itself at the end, whatever becomes of this process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpAddress } from '../../address/accepted.ts';
import { GroupNames } from '../../depends/ledger/group-names.ts';
import { type LedgerEntry, readCounts } from '../../depends/ledger/ledger-content.ts';
import { makeOneAddressTable, removeOneAddressTable } from '../../depends/ledger/one-address-table.ts';
import { WATCHING_TABLES } from '../../depends/ledger/our-tables.ts';
import { SourceNames } from '../../depends/ledger/source-names.ts';
import { lookUp } from '../../dns/lookup.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

const TABLE = WATCHING_TABLES.rehearsal;
/** Milliseconds between looks at who was rejected. */
const LOOK_EVERY = 500;
/** Milliseconds between look-ups of the name. */
const LOOK_UP_EVERY = 2_000;
/** Milliseconds by which a look-up may take longer than before. A server that is silent costs 5 s. */
const SLOWER = 1_000;

export interface Absence {
  readonly address: IpAddress;
  readonly seconds: number;
  /** A name to look up meanwhile, in new processes; null if none is known. */
  readonly name: string | null;
  /** Called when the kernel rejects the address. */
  readonly onBegin?: () => void;
  /** Called once for each asker, when it is first rejected. */
  readonly onSufferer?: (asker: LedgerEntry) => void;
  /** Ends the rehearsal early. */
  readonly signal: AbortSignal;
}

export interface LookUps {
  readonly name: string;
  readonly made: number;
  /** Look-ups that found nothing, also those that the end cut off while they were slow. */
  readonly failed: number;
  /** Milliseconds: of the look-up before, and of the slowest meanwhile. */
  readonly before: number;
  readonly slowest: number;
  readonly suffered: boolean;
}

export interface ScreamTest {
  readonly sufferers: readonly LedgerEntry[];
  /** null if no name is known, or was found before. */
  readonly lookUps: LookUps | null;
  /** Why control groups are not told apart; null if they are. */
  readonly unitless: string | null;
  /** Whole seconds that it lasted. */
  readonly lasted: number;
  /** Why it ended before its time; null if it did not. */
  readonly endedEarly: string | null;
}

/** Throws HostError if the rehearsal cannot begin: then nothing was changed. */
export async function doWithout(host: Host, absence: Absence): Promise<ScreamTest> {
  const { address, seconds, name, signal } = absence;
  const before = name === null ? null : await timed(host, name);
  const made = makeOneAddressTable(host, { table: TABLE, address, seconds, reject: true });
  if ('problem' in made) throw new HostError('ESTAGE', `${address} cannot be rejected: ${made.problem}`);
  absence.onBegin?.();
  const names = { groups: new GroupNames(host, { follow: true }), sources: new SourceNames(host) };
  const began = performance.now();
  const over = new AbortController();
  const until = began + seconds * 1000;
  const lookingUp = before?.found ? keepLookingUp(host, name!, before.took, over.signal) : Promise.resolve(null);
  let sufferers: readonly LedgerEntry[] = [];
  let gone = false;
  const look = async () => {
    const counts = await readCounts(host, TABLE, made.shape, names, AbortSignal.timeout(10_000));
    gone = counts === null;
    const known = new Set(sufferers.map(keyOf));
    for (const one of counts?.asked ?? []) if (!known.has(keyOf(one))) absence.onSufferer?.(one);
    if (counts !== null) sufferers = counts.asked;
  };
  try {
    while (!gone && !signal.aborted && performance.now() < until) {
      await sleep(Math.min(LOOK_EVERY, Math.max(0, until - performance.now())), undefined, { signal }).catch(() => {});
      await look();
    }
  } finally {
    over.abort();
    names.groups.close();
    removeOneAddressTable(host, TABLE);
  }
  const lasted = Math.min(seconds, Math.round((performance.now() - began) / 1000));
  const endedEarly = gone ? 'another program removed the table' : signal.aborted ? 'it was told to end' : null;
  return { sufferers, lookUps: await lookingUp, unitless: made.unitless, lasted, endedEarly };
}

async function keepLookingUp(host: Host, name: string, before: number, over: AbortSignal): Promise<LookUps> {
  let [made, failed, slowest] = [0, 0, 0];
  while (!over.aborted) {
    const { found, took } = await timed(host, name, over);
    // A look-up that the end cut off proves only that it was slow.
    if (over.aborted && took <= before + SLOWER) break;
    made += 1;
    if (!found) failed += 1;
    slowest = Math.max(slowest, took);
    await sleep(LOOK_UP_EVERY, undefined, { signal: over }).catch(() => {});
  }
  return { name, made, failed, before, slowest, suffered: failed > 0 || slowest > before + SLOWER };
}

async function timed(host: Host, name: string, signal?: AbortSignal): Promise<{ found: boolean; took: number }> {
  const began = performance.now();
  const addresses = await lookUp(host, name, signal === undefined ? {} : { signal });
  return { found: (addresses ?? []).length > 0, took: Math.round(performance.now() - began) };
}

function keyOf({ unit, user }: LedgerEntry): string {
  return JSON.stringify([unit, user]);
}
