/** What a heartbeat says of the ledger's askers: those that asked last one by one, and all others by server. */
import { askersIn, type LedgerEntry, type LedgerTable } from '../agent/depends/ledger/ledger-content.ts';
import { type Condition, type Reading, type Sample, sample } from './probe.ts';

/** Askers with series of their own: those that asked last. The collector keeps as many of one host. */
const MOST = 200;
/** The unit of all others of one server together, so that a server that somebody asked is never left out. */
const OTHERS = '(others)';
const MOST_SERVERS = 50;

/**
 * `since`: since when which askers are all in the ledger. A server that is left out must not look like one that nobody
 * asked, so nothing is said to count its askers.
 */
export function askerReadings(tables: readonly LedgerTable[], since: readonly Sample[]): Reading[] {
  const retired = new Set(tables.flatMap(({ addresses }) => Object.keys(addresses)));
  // Whoever asks an address that is to be switched off is never one of the others.
  const rank = ({ server }: LedgerEntry) => (retired.has(server) ? 0 : 1);
  const all = askersIn(tables).sort((a, b) => rank(a) - rank(b) || b.last - a.last);
  const rest = others(all.slice(MOST));
  const shown = [...all.slice(0, MOST), ...rest.slice(0, MOST_SERVERS)];
  const readings = shown.flatMap(({ server, unit, user, packets, last }) => {
    const attributes = { server, unit: unit ?? '', user: user ?? '' };
    return [
      sample('holdfast.nameserver.asked', packets, attributes),
      sample('holdfast.nameserver.last_asked', last / 1000, attributes),
    ];
  });
  const leftOut = new Set<string>(rest.slice(MOST_SERVERS).map(({ server }) => server));
  const whole = since.filter(({ attributes: { server } }) =>
    server === undefined ? leftOut.size === 0 : !leftOut.has(String(server)),
  );
  return [...whole, ...readings, ...(leftOut.size === 0 ? [] : [tooMany(leftOut.size)])];
}

function tooMany(count: number): Condition {
  return {
    kind: 'condition',
    code: 'ledger-cut',
    severity: 'info',
    body: `The programs of this host asked too many name servers for one heartbeat: ${count} are left out, so nobody knows whether one of them may be switched off. Write the addresses that are to be switched off under retire: those come first.`,
    attributes: {},
  };
}

/** One row for each server. */
function others(rows: readonly LedgerEntry[]): LedgerEntry[] {
  const sums = new Map<string, LedgerEntry>();
  for (const row of rows) {
    const sum = sums.get(row.server);
    if (sum === undefined) sums.set(row.server, { ...row, unit: OTHERS, user: null });
    else sums.set(row.server, { ...sum, packets: sum.packets + row.packets });
  }
  return [...sums.values()];
}
