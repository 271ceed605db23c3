/** Programs that really sent something to an address, as the kernel counted it (agent/depends/ledger). */
import type { IpAddress } from '../address/accepted.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Dependence, DependsAnswer, DependsSource, Unseen } from './dependence.ts';
import { GroupNames } from './ledger/group-names.ts';
import {
  askersIn,
  type Ledger,
  type LedgerEntry,
  type LedgerTable,
  type MissingTable,
  readLedger,
} from './ledger/ledger-content.ts';
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
      const ledger = await readLedger(host, names, signal).catch((error) => {
        throw new Error(`the kernel's count of who asks which name server cannot be read: ${errorMessage(error)}`);
      });
      return answerOf(ledger, addresses, Date.now());
    },
  };
}

/** `now` in milliseconds since the epoch. */
export function answerOf(ledger: Ledger, addresses: ReadonlySet<IpAddress> | null, now: number): DependsAnswer {
  const found = askersIn(ledger.tables).filter(({ server }) => addresses === null || addresses.has(server));
  const unseen = [...(addresses ?? [null])].map((address) => unseenOf(ledger, address, now));
  return { found: found.map((one) => dependence(one, now)), unseen: unseen.filter((one) => one !== null) };
}

/** null: any address. Returns null if the ledger has counted for long enough. */
function unseenOf({ tables, missing }: Ledger, address: IpAddress | null, now: number): Unseen | null {
  const since = tables.flatMap((table) => countedSince(table, address) ?? []);
  const whose = address === null ? 'who asks which name server' : `who asks ${address}`;
  if (since.length === 0) {
    const lost = missing.find(({ scope, addresses }) => scope === 'all' || Object.hasOwn(addresses, address ?? ''));
    const full = tables.some(({ scope, since }) => scope === 'all' && since === null);
    const wanted = `write "${address === null ? 'ledger: always' : `retire: [${address}]`}" into the configuration, and agent run counts it`;
    const why =
      lost !== undefined
        ? `${MISSING[lost.why]}; agent apply makes it anew`
        : `${full ? 'the ledger has no room for more askers' : 'no ledger runs'}; ${wanted}`;
    return unseen(`nobody counts ${whose}: ${why}`);
  }
  const counted = now - Math.min(...since);
  if (counted >= LONG_ENOUGH) return null;
  return unseen(
    `the ledger counts ${whose} only since ${new Date(now - counted).toISOString()} (${span(counted)}), and a daily job shows only after 24 h`,
  );
}

const MISSING: Readonly<Record<MissingTable['why'], string>> = {
  removed: 'another program removed the ledger',
  changed: 'another program changed the ledger, or made it anew',
  unmade: 'the ledger could not be made',
};

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
