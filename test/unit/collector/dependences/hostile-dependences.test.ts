/** Hostile senders of dependences never make the verdict safe, whichever name they use, and take bounded memory. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Retirement } from '../../../../agent/collector/queries/retirement.ts';
import { ExpectedHosts } from '../../../../agent/collector/retire/expected.ts';
import { RETIRED as ADDRESS, hostileDependences } from '../../../bench/fuzz-dependences.ts';
import { beat, DAY, fleetOf, START, tell } from '../../../parts/collector-fleet.ts';

const [HONEST, HOSTILE] = ['192.0.2.1', '192.0.2.66'];
const NOW = START + 40 * DAY;
const MINUTE = 60_000;

/** `victim` depends on ADDRESS, or on nothing. It reports every 30 s, and its ledger counts since a month. */
function scene(t: TestContext, { depends = false, now = NOW } = {}) {
  const kept = fleetOf(t, 14 * DAY, now);
  let { fleet } = kept;
  let sequence = 0;
  const expected = new ExpectedHosts([], () => {});
  expected.readFile(['victim']);
  const one = { address: ADDRESS, tense: 'lease', source: 's', who: 'w', where: 'f', reason: 'r', cure: 'c' };
  const body = (found: readonly unknown[]) => JSON.stringify({ found, unseen: [], longestLease: null, cut: 0 });
  const since = ['holdfast.nameserver.ledger_since', (now - 30 * DAY) / 1000] as const;
  const on = {
    now,
    beats(id = 'victim', sender = HONEST) {
      sequence += 1;
      beat(fleet, { id, sequence, time: on.now, sender, values: [since] });
    },
    tells: (found: readonly unknown[], sender: string, id = 'victim') =>
      tell(fleet, id, on.now, { name: 'holdfast.dependences', body: body(found) }, sender),
    sends: (text: string, id: string) => tell(fleet, id, on.now, { name: 'holdfast.dependences', body: text }, HOSTILE),
    restart() {
      fleet.commit();
      fleet = kept.again(on.now);
    },
    get fleet() {
      return fleet;
    },
    verdict: () => new Retirement(fleet, expected, { list: [] }, 0).verdict(query(), on.now),
  };
  on.beats();
  on.tells(depends ? [one] : [], HONEST);
  return { ...on, on, one };
}

const query = () => new URLSearchParams({ address: ADDRESS, limit: '10000' });

test('hostile dependences: whatever they are, and in whoever’s name, a host that depends stays named', (t) => {
  const { on, sends, verdict, beats } = scene(t, { depends: true });
  const names = fc.constantFrom('victim', 'evil', '__proto__', 'VICTIM', 'victim~2', 'x\u0000y');
  let kept = 0;
  fc.assert(
    fc.property(names, hostileDependences, (id, body) => {
      if (sends(body, id) === 0) kept += 1;
      on.now += 1_100;
      beats();
      const { verdict: said, dependents } = verdict();
      assert.equal(said, 'not-safe');
      const found = dependents.hosts.find(({ id: one }) => one === 'victim')?.dependences ?? [];
      assert.deepEqual(
        found.map(({ tense, who }) => [tense, who]),
        [['lease', 'w']],
      );
    }),
    { numRuns: 1_500 },
  );
  assert.ok(kept > 200, `${kept} were sound`);
});

test('hostile dependences: a fleet that is not known to be safe is never made safe', (t) => {
  const { sends, verdict, on, beats } = scene(t);
  assert.equal(verdict().verdict, 'safe');
  fc.assert(
    fc.property(hostileDependences, (body) => {
      on.now += 1_100;
      beats();
      sends(body, 'evil');
      assert.notEqual(verdict().verdict, 'safe', 'a host without heartbeats proves nothing');
    }),
    { numRuns: 300 },
  );
});

test('hostile dependences: another sender’s words in a host’s name put the host in doubt, until it tells them anew', (t) => {
  const { on, one, tells, verdict, restart, beats } = scene(t);
  assert.equal(tells([], HOSTILE), 1, 'they are refused, and the sender hears of it');
  on.now += 30_000;
  beats();
  const { verdict: said, unseen } = verdict();
  assert.equal(said, 'unknown');
  assert.match(unseen.hosts[0]!.reasons.join(), /Another sender told dependences in its name/);
  restart();
  beats();
  assert.equal(verdict().verdict, 'unknown', 'also after a restart');
  assert.equal(tells([one], HONEST), 0);
  assert.equal(verdict().verdict, 'not-safe');
  on.now += 1_100;
  tells([], HONEST);
  assert.equal(verdict().verdict, 'safe');
});

test('hostile dependences: after a restart the sender of the heartbeats speaks for a host, not the sender of the last event', (t) => {
  const { tells, verdict, restart, beats, one } = scene(t, { depends: true });
  assert.equal(tells([], HOSTILE), 1);
  restart();
  assert.equal(tells([], HOSTILE), 1, 'before the first heartbeat');
  assert.notEqual(verdict().verdict, 'safe');
  beats();
  assert.equal(tells([one], HONEST), 0);
  assert.equal(verdict().verdict, 'not-safe');
});

test('hostile dependences: heartbeats in a host’s name do not help, and a host may really change its token', (t) => {
  const { on, tells, verdict, beats } = scene(t, { depends: true });
  beats('victim', HOSTILE);
  assert.equal(tells([], HOSTILE), 1);
  assert.equal(verdict().verdict, 'not-safe');
  on.now += 30_000;
  beats();
  assert.equal(verdict().verdict, 'not-safe');
  assert.equal(verdict().dependents.total, 1);
  // From now on only the other sender reports as this host.
  for (let minute = 0; minute < 12; minute += 1) {
    on.now += MINUTE;
    beats('victim', 'token-2 192.0.2.1');
  }
  assert.equal(tells([], 'token-2 192.0.2.9'), 0, 'with a token, a host may have any address');
  assert.equal(verdict().verdict, 'safe');
});

test('hostile dependences: words before the first heartbeat count only if the heartbeat is of the same sender', (t) => {
  const cases = [HONEST, HOSTILE].flatMap((sender) => [false, true].map((restarts) => ({ sender, restarts })));
  for (const [day, { sender, restarts }] of cases.entries()) {
    const { on, tells, verdict, beats, restart } = scene(t, { now: NOW + day * DAY });
    assert.equal(tells([], sender, 'new'), 0);
    if (restarts) restart();
    beats('new');
    on.now += 1_100;
    assert.equal(verdict().verdict, sender === HONEST ? 'safe' : 'unknown', `a restart between: ${restarts}`);
  }
});

test('hostile dependences: another program’s points do not say that a host’s ledger counts', (t) => {
  const { fleet } = fleetOf(t, 14 * DAY, NOW);
  beat(fleet, { id: 'a', sequence: 1, time: NOW, sender: HONEST });
  const since = { server: ADDRESS };
  const series = fleet.series.find('holdfast.nameserver.ledger_since', '1', JSON.stringify(since), () => since)!;
  const resource = JSON.stringify({ 'host.id': 'a', 'host.name': 'a' });
  const points = [{ series, start: 0, time: NOW + 1, value: (NOW - 30 * DAY) / 1000 }];
  fleet.beat({ key: resource, read: () => JSON.parse(resource) }, points, NOW + 1, HOSTILE);
  assert.equal(fleet.find('a')?.asked?.watchedSince(ADDRESS) ?? null, null);
});

test('hostile dependences: 10,000 hosts with sources of their own are bounded, and one host alone too', (t) => {
  const { fleet, sends, verdict } = scene(t, { depends: true });
  const body = (count: number, name: string) => {
    const one = (n: number) => ({ tense: 'now', source: `${name} ${n}`, reason: 'r'.repeat(20) });
    const unseen = Array.from({ length: count }, (_, n) => one(n));
    return JSON.stringify({ found: [], unseen, longestLease: null, cut: 0 });
  };
  assert.equal(sends(body(10_000, 'huge'), 'evil'), 1, 'refused whole');
  for (let n = 0; n < 10_000; n += 1) sends(body(20, `host ${n}`), `evil-${n}`);
  fleet.upkeep.makeRoom(HOSTILE, NOW);
  const lengths = [...fleet.hosts].map(({ told }) => told?.length ?? 0);
  assert.ok(Math.max(...lengths) <= 32_768);
  assert.ok([...fleet.hosts].every(({ told }) => (told?.unseen.length ?? 0) <= 500));
  assert.equal(verdict().verdict, 'not-safe');
  assert.equal(verdict().dependents.hosts[0]!.id, 'victim');
});
