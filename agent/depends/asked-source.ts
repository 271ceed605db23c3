/** Programs that really sent something to an address, as the kernel counted it (agent/depends/ledger). */
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Dependence, DependsAnswer, DependsSource, Unseen } from './dependence.ts';
import { GroupNames } from './ledger/group-names.ts';
import { askersIn, type LedgerEntry, type LedgerTable, readLedger } from './ledger/ledger-content.ts';
import { SourceNames } from './ledger/source-names.ts';

const TENSE = 'asked';
const NAME = 'ledger';
/** Milliseconds for which nobody may have asked. A shorter count does not show a daily job. */
const LONG_ENOUGH = 24 * 3_600_000;

export function askedSource(host: Host): DependsSource {
  return {
    name: NAME,
    tense: TENSE,
    async look(addresses, signal) {
      const names = { groups: new GroupNames(host, { follow: false }), sources: new SourceNames(host) };
      const { tables, missing } = await readLedger(host, names, signal).catch((error) => {
        throw new Error(`the kernel's count of who asks which name server cannot be read: ${errorMessage(error)}`);
      });
      const gone = missing.length === 0 ? 'no ledger runs' : 'another program removed the ledger';
      return answerOf(tables, addresses, gone, Date.now());
    },
  };
}

/** `gone`: why a table is not there. `now` in milliseconds since the epoch. */
export function answerOf(
  tables: readonly LedgerTable[],
  addresses: ReadonlySet<string> | null,
  gone: string,
  now: number,
): DependsAnswer {
  const found = askersIn(tables).filter(({ server }) => addresses === null || addresses.has(server));
  const unseen = [...(addresses ?? [null])].map((address) => unseenOf(tables, address, gone, now));
  return { found: found.map((one) => dependence(one, now)), unseen: unseen.filter((one) => one !== null) };
}

/** null: any address. Returns null if the ledger has counted for long enough. */
function unseenOf(tables: readonly LedgerTable[], address: string | null, gone: string, now: number): Unseen | null {
  const since = tables.flatMap((table) => countedSince(table, address) ?? []);
  const whose = address === null ? 'who asks which name server' : `who asks ${address}`;
  const cure = address === null ? 'ledger: always' : `retire: [${address}]`;
  if (since.length === 0) {
    const full = tables.some(({ scope, since }) => scope === 'all' && since === null);
    const why = full ? 'the ledger has no room for more askers' : gone;
    return unseen(`nobody counts ${whose}: ${why}; write "${cure}" into the configuration, and agent run counts it`);
  }
  const counted = now - Math.min(...since);
  if (counted >= LONG_ENOUGH) return null;
  return unseen(
    `the ledger counts ${whose} only since ${new Date(now - counted).toISOString()} (${span(counted)}), and a daily job shows only after 24 h`,
  );
}

/** Milliseconds since the epoch; null if this table does not count that address, or not every asker of it. */
function countedSince({ scope, since, addresses }: LedgerTable, address: string | null): number | null {
  if (since === null) return null;
  if (scope === 'all') return since;
  const added = address === null ? undefined : addresses[address];
  return added === undefined ? null : Math.max(since, added);
}

function unseen(reason: string): Unseen {
  return { tense: TENSE, source: NAME, reason };
}

function dependence({ server, unit, user, packets, last }: LedgerEntry, now: number): Dependence {
  const owner = user === null ? '' : `user ${user}`;
  const who = unit === null ? owner || 'a program without a socket' : owner === '' ? unit : `${unit} (${owner})`;
  return {
    address: server,
    tense: TENSE,
    source: NAME,
    who,
    where: `${packets} packet${packets === 1 ? '' : 's'} to port 53 or 853, the last ${span(now - last)} ago`,
    reason: 'it really sent questions there, whatever any file says',
    cure: `find the program with "agent depends --watch 60s ${server}"; restart it after its configuration is right`,
  };
}

/** `12 s`, `5 min`, `3 h`. */
function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
