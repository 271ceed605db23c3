/** Reads the ledger: who asked which name server, how often, and when last. */
import { GroupNames } from '../agent/depends/ledger/group-names.ts';
import { type LedgerTable, type MissingTable, readLedger } from '../agent/depends/ledger/ledger-content.ts';
import { WATCHING_TABLES } from '../agent/depends/ledger/our-tables.ts';
import { isLedgerLeft, noteLoss } from '../agent/depends/ledger/record.ts';
import { SourceNames } from '../agent/depends/ledger/source-names.ts';
import { ROOM } from '../agent/depends/ledger/table-text.ts';
import { nullIfRefused } from '../agent/host/errors.ts';
import type { Host } from '../agent/host/host.ts';
import { askerReadings } from './asked-readings.ts';
import { type Condition, type Probe, type Sample, sample } from './probe.ts';

const INTERVAL = 60_000;

/** `lasting`: for a daemon, which hears of new control groups, and keeps their names after their end. */
export function askedProbe(host: Host, { lasting }: { lasting: boolean }): Probe {
  let names: { groups: GroupNames; sources: SourceNames } | null = null;
  // The next daemon must know of a loss too.
  const completeness = new Completeness((scope, time) => {
    if (lasting) nullIfRefused(() => noteLoss(host, scope, time));
  });
  return {
    name: 'asked',
    cost: 'constant',
    interval: INTERVAL,
    async read(signal) {
      if (!host.live || !isLedgerLeft(host)) return [];
      names ??= { groups: new GroupNames(host, { follow: lasting }), sources: new SourceNames(host) };
      const { tables, missing } = await readLedger(host, names, signal);
      if (lasting) names.groups.keep(new Set(tables.flatMap(({ groups }) => [...groups])));
      const since = tables.flatMap((table) => completeness.of(table));
      return [...askerReadings(tables, since), ...tables.flatMap(conditionsOf), ...missing.map(gone)];
    },
    async close() {
      names?.groups.close();
    },
  };
}

/** Since when each table has every asker. A full set forgets askers, and so does another program that empties it. */
class Completeness {
  readonly #onLoss: (scope: LedgerTable['scope'], time: number) => void;
  /** The time of the last reading that showed a loss, by scope. */
  readonly #lost = new Map<string, number>();
  readonly #seen = new Map<string, LedgerTable>();

  constructor(onLoss: (scope: LedgerTable['scope'], time: number) => void) {
    this.#onLoss = onLoss;
  }

  of(table: LedgerTable): Sample[] {
    const { scope, since, addresses } = table;
    if (since === null || isEmptied(this.#seen.get(scope), table)) {
      this.#lost.set(scope, Date.now());
      this.#onLoss(scope, Date.now());
    }
    this.#seen.set(scope, table);
    if (since === null) return [];
    const lost = this.#lost.get(scope) ?? 0;
    if (scope === 'all') return [counts(Math.max(since, lost))];
    return Object.entries(addresses).map(([server, added]) => counts(Math.max(since, added, lost), server));
  }
}

/** Whether an asker vanished although it is not due: another program removed the elements of our sets. */
function isEmptied(before: LedgerTable | undefined, { since, elements, expiry }: LedgerTable): boolean {
  if (before === undefined || before.since !== since) return false;
  const due = Date.now() - expiry * 1000 + INTERVAL;
  return [...before.elements].some(
    ([id, { packets, last }]) => last > due && (elements.get(id)?.packets ?? -1) < packets,
  );
}

function counts(since: number, server?: string): Sample {
  return sample('holdfast.nameserver.ledger_since', since / 1000, server === undefined ? {} : { server });
}

function conditionsOf({ scope, since, unitless }: LedgerTable): Condition[] {
  const attributes = { table: WATCHING_TABLES[scope] };
  const full: Condition = {
    kind: 'condition',
    code: 'ledger-full',
    severity: 'warn',
    body: `The ledger's table inet ${WATCHING_TABLES[scope]} has a set with ${ROOM} elements and no room for more, so it does not count every asker. ${scope === 'all' ? 'Write the addresses that are to be switched off under retire: those have room of their own.' : 'Take addresses out of retire.'}`,
    attributes,
  };
  const byUser: Condition = {
    kind: 'condition',
    code: 'ledger-by-user',
    severity: 'info',
    body: `The ledger tells which user asks a name server, and not which unit: ${unitless}.`,
    attributes,
  };
  return [...(since === null ? [full] : []), ...(unitless === null ? [] : [byUser])];
}

function gone({ scope, why }: MissingTable): Condition {
  return {
    kind: 'condition',
    code: 'ledger-gone',
    severity: 'warn',
    body: `${WHY_GONE[why]} the ledger's table inet ${WATCHING_TABLES[scope]}, so nobody counts who asks name servers. The daemon makes it anew; agent apply does so too.`,
    attributes: { table: WATCHING_TABLES[scope] },
  };
}

const WHY_GONE: Readonly<Record<MissingTable['why'], string>> = {
  removed: 'Another program removed',
  changed: 'Another program changed, or made anew,',
  unmade: 'Holdfast could not make',
};
