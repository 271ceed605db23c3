/** A host that asks more name servers than fit into a heartbeat: the omitted ones never make the verdict safe. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Retirement } from '../../../../agent/collector/queries/retirement.ts';
import { ExpectedHosts } from '../../../../agent/collector/retire/expected.ts';
import type { LedgerTable } from '../../../../agent/depends/ledger/ledger-content.ts';
import { askerReadings } from '../../../../probes/asked-readings.ts';
import { type Reading, type Sample, sample } from '../../../../probes/probe.ts';
import { beat, DAY, fleetOf, START, tell } from '../../../parts/collector-fleet.ts';

const NOW = START + 40 * DAY;
const SINCE = NOW - 30 * DAY;
/** As `askerReadings` has them: askers of their own, and servers of all others. */
const [ASKERS, SERVERS] = [200, 50];

const server = (n: number) => `10.1.${n >> 8}.${n & 255}`;
type Asked = LedgerTable['asked'][number];

/** The server n is asked n seconds ago, by one program. `retired`: addresses that stand under `retire`. */
function readings(count: number, retired: readonly string[] = [], quiet: readonly string[] = []): readonly Reading[] {
  const asked = Array.from({ length: count }, (_, n) => n).map(
    (n) => ({ server: server(n), unit: 'a.service', user: 'a', packets: 1, last: NOW - n * 1000 }) as Asked,
  );
  const rest = { expiry: 90_000, unitless: null, groups: new Set<number>(), elements: new Map() };
  const addresses = Object.fromEntries([...retired, ...quiet].map((one) => [one, SINCE]));
  const tables: LedgerTable[] = [
    { ...rest, scope: 'all', since: SINCE, addresses: {}, asked },
    { ...rest, scope: 'retire', since: SINCE, addresses, asked: asked.filter((one) => retired.includes(one.server)) },
  ];
  const since = (attributes: Record<string, string>) =>
    sample('holdfast.nameserver.ledger_since', SINCE / 1000, attributes);
  return askerReadings(tables, [since({}), ...Object.keys(addresses).map((one) => since({ server: one }))]);
}

/** The verdict on each address, by a collector that got these readings in two heartbeats. */
function judged(t: TestContext, all: readonly Reading[]) {
  const { fleet } = fleetOf(t, 14 * DAY, NOW);
  const values = all
    .filter((one): one is Sample => one.kind === 'sample')
    .map(({ metric, value, attributes }) => [metric, value, attributes] as const);
  const body = JSON.stringify({ found: [], unseen: [], longestLease: null, cut: 0 });
  for (const sequence of [1, 2]) beat(fleet, { id: 'resolver', sequence, time: NOW + sequence, values });
  tell(fleet, 'resolver', NOW + 2, { name: 'holdfast.dependences', body });
  const expected = new ExpectedHosts([], () => {});
  expected.readFile(['resolver']);
  const retirement = new Retirement(fleet, expected, { list: [] }, 0);
  return (address: string) => retirement.verdict(new URLSearchParams({ address }), NOW + 3);
}

const codes = (all: readonly Reading[]) => all.flatMap((one) => (one.kind === 'condition' ? [one.code] : []));

test('others: as many servers as there is room for are told, and a server that nobody asked is safe', (t) => {
  const all = readings(ASKERS + SERVERS);
  const verdict = judged(t, all);
  assert.deepEqual(codes(all), []);
  assert.equal(verdict('10.9.9.9').verdict, 'safe');
  for (let n = 0; n < ASKERS + SERVERS; n += 1) assert.equal(verdict(server(n)).verdict, 'not-safe', server(n));
  const [one] = verdict(server(ASKERS)).dependents.hosts[0]!.dependences;
  assert.deepEqual([one?.tense, one?.who], ['asked', '(others)']);
});

test('others: beyond that, how many are left out is told, and no server that is not told is safe', (t) => {
  for (const more of [1, 400]) {
    const all = readings(ASKERS + SERVERS + more);
    const verdict = judged(t, all);
    assert.deepEqual(codes(all), ['ledger-cut']);
    assert.match(JSON.stringify(all), new RegExp(`: ${more} are left out`));
    for (let n = 0; n < ASKERS + SERVERS; n += 10) assert.equal(verdict(server(n)).verdict, 'not-safe');
    for (const left of [server(ASKERS + SERVERS), server(ASKERS + SERVERS + more - 1), '10.9.9.9']) {
      const { verdict: said, unseen } = verdict(left);
      assert.equal(said, 'unknown', left);
      assert.match(unseen.hosts[0]!.reasons.join(), new RegExp(`write "retire: \\[${left}\\]"`));
    }
  }
});

test('others: under retire, an address that was asked comes first, and one that was not is safe', (t) => {
  const last = server(ASKERS + SERVERS + 399);
  const verdict = judged(t, readings(ASKERS + SERVERS + 400, [last], ['10.9.9.9']));
  assert.equal(verdict(last).verdict, 'not-safe');
  assert.equal(verdict('10.9.9.9').verdict, 'safe');
});

test('others: more addresses under retire than there is room for: those that are left out are unknown', (t) => {
  const all = Array.from({ length: ASKERS + SERVERS + 30 }, (_, n) => server(n));
  const verdict = judged(t, readings(all.length, all));
  for (const [n, one] of all.entries()) {
    assert.equal(verdict(one).verdict, n < ASKERS + SERVERS ? 'not-safe' : 'unknown', one);
  }
});
