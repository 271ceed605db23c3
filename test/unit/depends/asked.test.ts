/** What the ledger's content means for an address: who asked, and whether the count is long enough to say "nobody". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../../../agent/address/accepted.ts';
import { answerOf } from '../../../agent/depends/asked-source.ts';
import { unitInPath } from '../../../agent/depends/ledger/group-names.ts';
import type { LedgerEntry, LedgerTable, MissingTable } from '../../../agent/depends/ledger/ledger-content.ts';
import { accepted } from '../../parts/accepted.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const HOUR = 3_600_000;
const OLD: IpAddress = accepted('10.0.0.53');
const ROW: LedgerEntry = { server: OLD, unit: 'web.service', user: 'www', packets: 3, last: NOW - 600_000 };

function table(parts: Partial<LedgerTable>): LedgerTable {
  const nothing = { asked: [], elements: new Map(), groups: new Set<number>(), unitless: null, addresses: {} };
  return { scope: 'all', since: NOW - 30 * HOUR, expiry: 90_000, ...nothing, ...parts };
}

const unseenOf = (
  tables: readonly LedgerTable[],
  address: IpAddress | null = OLD,
  missing: readonly MissingTable[] = [],
) =>
  answerOf({ tables, missing }, address === null ? null : new Set([address]), NOW).unseen.map(({ reason }) => reason);

test('asked: nobody asked for 24 hours in which everybody was counted', () => {
  assert.deepEqual(answerOf({ tables: [table({})], missing: [] }, new Set([OLD]), NOW), { found: [], unseen: [] });
});

test('asked: an asker is named once, with its unit, user and time, although both tables have it', () => {
  const retire = table({ scope: 'retire', addresses: { [OLD]: NOW - HOUR }, asked: [{ ...ROW, packets: 1 }] });
  const other: LedgerEntry = { ...ROW, server: accepted('10.0.0.54') };
  const { found } = answerOf({ tables: [table({ asked: [ROW, other] }), retire], missing: [] }, new Set([OLD]), NOW);
  assert.equal(found.length, 1);
  assert.equal(found[0]?.who, 'web.service (user www)');
  assert.match(found[0]?.where ?? '', /^3 packets .*10 min ago$/);
});

test('asked: without a ledger, with a young one and with a full one the answer is unknown', () => {
  assert.match(
    unseenOf([])[0] ?? '',
    /nobody counts who asks 10\.0\.0\.53: no ledger runs; write "retire: \[10\.0\.0\.53\]"/,
  );
  assert.match(unseenOf([], null)[0] ?? '', /write "ledger: always"/);
  assert.match(unseenOf([table({ since: NOW - 2 * HOUR })])[0] ?? '', /only since 2026-11-30T10:00:00.000Z \(2 h\)/);
  assert.match(unseenOf([table({ since: null })])[0] ?? '', /no room for more askers/);
});

test('asked: an address of retire counts from its own time on, and no other address is seen by that table', () => {
  const full = table({ since: null });
  const retire = (added: number) => table({ scope: 'retire', addresses: { [OLD]: added } });
  assert.deepEqual(unseenOf([full, retire(NOW - 25 * HOUR)]), []);
  assert.match(unseenOf([full, retire(NOW - HOUR)])[0] ?? '', /only since/);
  assert.match(unseenOf([retire(NOW - 25 * HOUR)], accepted('10.0.0.54'))[0] ?? '', /nobody counts/);
  assert.match(unseenOf([retire(NOW - 25 * HOUR)], null)[0] ?? '', /nobody counts/);
});

test('asked: a ledger that another program removed or changed counts nobody, and the cure is to make it anew', () => {
  const missing = (why: MissingTable['why']) => [{ scope: 'retire', why, addresses: { [OLD]: 1 } } as const];
  const reason = (why: MissingTable['why'], address = OLD) => unseenOf([], address, missing(why))[0] ?? '';
  assert.match(reason('removed'), /another program removed the ledger; agent apply makes it anew$/);
  assert.match(reason('changed'), /another program changed the ledger, or made it anew; agent apply/);
  assert.match(reason('unmade'), /the ledger could not be made; agent apply/);
  assert.match(reason('removed', accepted('10.0.0.54')), /no ledger runs; write "retire: \[10\.0\.0\.54\]"/);
});

test('asked: the unit is the last service or scope of a control group’s path', () => {
  assert.equal(unitInPath('/system.slice/cron.service'), 'cron.service');
  assert.equal(unitInPath('/machine.slice/libpod-12ab.scope/container'), 'libpod-12ab.scope');
  assert.equal(unitInPath('/init'), '/init');
});
