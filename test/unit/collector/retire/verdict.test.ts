/** The verdict on an address: safe only with a proof for every host, and never one host's data in another's place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Asked } from '../../../../agent/collector/dependences/asked.ts';
import type { Told } from '../../../../agent/collector/dependences/told.ts';
import {
  type KnownHost,
  LONGEST_LEASE,
  type RetireVerdict,
  retireVerdict,
  STALE,
} from '../../../../agent/collector/retire/retire-verdict.ts';
import { type Dependence, TENSES } from '../../../../agent/depends/dependence.ts';
import { accepted } from '../../../parts/accepted.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;
const ADDRESS = '10.0.0.53';
const OTHERS = ['10.0.0.5', '10.0.0.54', '2001:db8::53'];

function dependence(address: string, tense: Dependence['tense'] = 'now'): Dependence {
  const one = { tense, source: 'resolv.conf', who: 'libc', where: '/etc/resolv.conf:1', reason: 'r', cure: 'c' };
  return { address: accepted(address), ...one };
}

function told(more: Partial<Told> = {}): Told {
  return { arrived: NOW - HOUR, length: 100, found: [], unseen: [], longestLease: null, cut: 0, ...more };
}

function asked(server: string, last: number): Asked {
  return { server, unit: 'unbound.service', user: 'unbound', first: last - HOUR, last, stored: 0 };
}

interface Facts extends Omit<KnownHost, 'watchedSince'> {
  readonly since: number | null;
}

/** A host with a complete proof that it does not depend on any address. */
function sound(id: string, more: Partial<Facts> = {}): KnownHost & { since: number | null } {
  const host: Facts = {
    id,
    name: id,
    standing: 'reports',
    seen: NOW - 20_000,
    told: told(),
    toldProblem: '',
    doubt: '',
    asked: [],
    askedLost: 0,
    since: NOW - 30 * DAY,
    ...more,
  };
  return { ...host, watchedSince: () => host.since };
}

function judge(
  hosts: readonly KnownHost[],
  now = NOW,
  troubles: readonly string[] = [],
  begun: number | null = null,
): RetireVerdict {
  return retireVerdict({ address: ADDRESS, now, hosts, troubles, begun });
}

const anAddress = fc.constantFrom(ADDRESS, ...OTHERS);
const aDependence = fc.record({ address: anAddress, tense: fc.constantFrom(...TENSES) });
const aTold = fc.record({
  age: fc.integer({ min: 0, max: 20 * HOUR }),
  found: fc.array(aDependence, { maxLength: 3 }),
  unseen: fc.array(fc.constant({ tense: 'boot' as const, source: 's', reason: 'r' }), { maxLength: 1 }),
  longestLease: fc.option(fc.integer({ min: 0, max: 1e12 })),
  cut: fc.integer({ min: 0, max: 1 }),
});
const anAsked = fc.record({ server: anAddress, age: fc.integer({ min: 0, max: 30 * DAY }) });
const aHost = fc
  .record({
    standing: fc.constantFrom(
      'reports' as const,
      'reports' as const,
      'silent' as const,
      'lost' as const,
      'never' as const,
    ),
    told: fc.option(aTold, { freq: 8 }),
    asked: fc.array(anAsked, { maxLength: 2 }),
    askedLost: fc.constantFrom(0, 0, 0, NOW - HOUR),
    since: fc.option(fc.integer({ min: 0, max: 40 * DAY }), { freq: 8 }),
  })
  .map(({ told: one, asked: asks, since, ...rest }) =>
    sound('h', {
      ...rest,
      told:
        one === null
          ? null
          : told({
              arrived: NOW - one.age,
              found: one.found.map(({ address, tense }) => dependence(address, tense)),
              unseen: one.unseen,
              longestLease: one.longestLease,
              cut: one.cut,
            }),
      asked: asks.map(({ server, age }) => asked(server, NOW - age)),
      since: since === null ? null : NOW - since,
    }),
  );
/** Mostly sound hosts, so that each verdict is met often. */
const aFleet = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constant(sound('s')) }, aHost), { maxLength: 6 })
  .map((hosts) => hosts.map((host, index) => ({ ...host, id: `host-${index}`, name: `host-${index}` })));

/** The definition in the issue, written once more and differently. */
function expected(hosts: readonly (KnownHost & { since: number | null })[]): string {
  const leases = hosts.flatMap((host) => host.told?.longestLease ?? []).map((s) => Math.min(s * 1000, LONGEST_LEASE));
  const window = Math.max(DAY, ...leases.map((lease) => 2 * lease));
  const depends = hosts.some(
    (host) =>
      (host.told?.found ?? []).some(({ address }) => address === ADDRESS) ||
      [...host.asked].some(({ server, last }) => server === ADDRESS && last > NOW - window),
  );
  if (depends) return 'not-safe';
  const proven = hosts.every(
    (host) =>
      host.standing === 'reports' &&
      host.told !== null &&
      host.told.cut + host.told.unseen.length === 0 &&
      host.told.arrived >= NOW - STALE &&
      host.since !== null &&
      host.since <= NOW - window &&
      host.askedLost <= NOW - window,
  );
  return proven && hosts.length > 0 ? 'safe' : 'unknown';
}

test('verdict: a collector without a list of hosts must have listened for the whole window', () => {
  const young = judge([sound('a')], NOW, [], NOW - HOUR);
  assert.deepEqual([young.verdict, young.safeAt], ['unknown', NOW + 23 * HOUR]);
  assert.match(young.sentence, /^Unknown for 23 h more: .* this collector began only 60 min ago/);
  assert.equal(judge([sound('a')], NOW, [], NOW - DAY).verdict, 'safe');
  const waiting = judge([sound('a', { since: NOW - HOUR })], NOW, [], NOW - 2 * HOUR);
  assert.deepEqual([waiting.verdict, waiting.safeAt], ['unknown', NOW + 23 * HOUR]);
  assert.equal(judge([sound('a', { standing: 'silent' })], NOW, [], NOW - HOUR).safeAt, null);
});

test('verdict: it follows the definition for any generated fleet', () => {
  const met = new Set<string>();
  fc.assert(
    fc.property(aFleet, (hosts) => {
      const { verdict } = judge(hosts);
      met.add(verdict);
      assert.equal(verdict, expected(hosts));
    }),
    { numRuns: 3_000 },
  );
  assert.deepEqual([...met].sort(), ['not-safe', 'safe', 'unknown']);
});

test('verdict: it names exactly the hosts that depend on the address', () => {
  fc.assert(
    fc.property(aFleet, (hosts) => {
      const whole = judge(hosts);
      for (const host of hosts) {
        const found = whole.dependents.find(({ id }) => id === host.id)?.dependences ?? [];
        const files = (host.told?.found ?? []).filter(({ address }) => address === ADDRESS);
        const asks = [...host.asked].filter(({ server, last }) => server === ADDRESS && last > NOW - whole.window);
        assert.equal(found.length, files.length + asks.length);
      }
      assert.equal(whole.hosts, hosts.length);
    }),
  );
});

test('verdict: dependences on other addresses change nothing', () => {
  const junk = fc.array(fc.constantFrom(...OTHERS), { maxLength: 5 });
  fc.assert(
    fc.property(aFleet, junk, (hosts, addresses) => {
      const more = hosts.map((host) => ({
        ...host,
        told: host.told && { ...host.told, found: [...host.told.found, ...addresses.map((one) => dependence(one))] },
        asked: [...host.asked, ...addresses.map((one) => asked(one, NOW))],
      }));
      assert.deepEqual(judge(more), judge(hosts));
    }),
  );
});

test('verdict: one more host never makes a fleet safe, and never ends a dependence', () => {
  fc.assert(
    fc.property(aFleet, aHost, (hosts, more) => {
      fc.pre(hosts.length > 0);
      const [before, after] = [judge(hosts), judge([...hosts, { ...more, id: 'more' }])];
      if (after.verdict === 'safe') assert.equal(before.verdict, 'safe');
      if (before.verdict === 'not-safe') assert.equal(after.verdict, 'not-safe');
    }),
  );
});

test('verdict: it becomes safe at the end of the countdown, and no moment earlier', () => {
  let met = 0;
  const waiting = fc
    .record({
      age: fc.integer({ min: 0, max: 2 * DAY }),
      since: fc.integer({ min: 0, max: 2 * DAY }),
      lease: fc.option(fc.integer({ min: 0, max: 100 * 3600 })),
    })
    .map(({ age, since, lease }) =>
      sound('w', { told: told({ longestLease: lease }), asked: [asked(ADDRESS, NOW - age)], since: NOW - since }),
    );
  fc.assert(
    fc.property(fc.array(waiting, { minLength: 1, maxLength: 4 }), (hosts) => {
      const { safeAt, verdict } = judge(hosts);
      assert.equal(safeAt === null, verdict === 'safe');
      if (safeAt === null) return;
      met += 1;
      const fresh = hosts.map((host) => ({
        ...host,
        seen: safeAt,
        told: host.told && { ...host.told, arrived: safeAt },
      }));
      assert.notEqual(judge(fresh, safeAt - 1).verdict, 'safe');
      assert.equal(judge(fresh, safeAt).verdict, 'safe');
    }),
  );
  assert.ok(met > 10);
});

test('verdict: a countdown is given only if nothing but time is missing', () => {
  fc.assert(
    fc.property(aFleet, (hosts) => {
      const { safeAt } = judge(hosts);
      if (safeAt === null) return;
      const later = hosts.map((host) => ({ ...host, told: host.told && { ...host.told, arrived: safeAt } }));
      assert.equal(judge(later, safeAt).verdict, 'safe');
    }),
    { numRuns: 1_000 },
  );
});

test('verdict: each kind of missing knowledge makes a safe fleet unknown, and is named', () => {
  const fleet = [sound('a'), sound('b')];
  assert.equal(judge(fleet).verdict, 'safe');
  const ways: [Partial<Facts>, RegExp][] = [
    [{ standing: 'silent' }, /silent/],
    [{ standing: 'lost', told: null, since: null, seen: NOW - 20 * DAY }, /forgotten/],
    [{ standing: 'never', told: null, since: null, seen: 0 }, /never reported/],
    [{ told: null }, /has not told/],
    [{ told: null, toldProblem: 'no JSON' }, /refused: no JSON/],
    [{ doubt: 'Another sender told.' }, /Another sender told/],
    [{ told: told({ arrived: NOW - STALE - 1 }) }, /last told/],
    [{ told: told({ cut: 2 }) }, /left out 2 dependences/],
    [
      { told: told({ unseen: [{ tense: 'boot', source: 'netplan', reason: 'not readable' }] }) },
      /netplan: not readable/,
    ],
    [{ since: null }, /Nobody counts .* write "retire: \[/],
    [{ since: NOW - HOUR }, /has counted who asks it only for/],
    [{ askedLost: NOW - HOUR }, /were dropped/],
  ];
  for (const [way, words] of ways) {
    const { verdict, unseen, sentence } = judge([...fleet, sound('c', way)]);
    assert.equal(verdict, 'unknown', words.source);
    assert.deepEqual(
      unseen.map(({ id }) => id),
      ['c'],
    );
    assert.match(unseen[0]!.reasons.join(' '), words);
    assert.match(sentence, /^Unknown/);
  }
  assert.equal(judge(fleet, NOW, ['The disk is full']).verdict, 'unknown');
  assert.equal(judge([]).verdict, 'unknown');
});

test('verdict: a lease of any length delays the fleet by a fortnight at most', () => {
  const { window, longestLease } = judge([sound('a', { told: told({ longestLease: 4_294_967_295 }) })]);
  assert.equal(window, 14 * DAY);
  assert.equal(longestLease?.id, 'a');
});

test('verdict: the sentence says how many hosts depend, at which moments, and which hosts were not seen', () => {
  const hosts = [
    sound('a', { told: told({ found: [dependence(ADDRESS), dependence(ADDRESS, 'boot')] }) }),
    sound('b', { told: told({ found: [dependence(ADDRESS, 'lease')] }) }),
    sound('c', { standing: 'silent' }),
    sound('d'),
  ];
  assert.equal(
    judge(hosts).sentence,
    'Not safe: 2 of 4 hosts depend on 10.0.0.53 (1 now, 1 at the next lease, 1 at the next boot), and 1 host could not be seen (c).',
  );
  assert.equal(
    judge([sound('a'), sound('b', { asked: [asked(ADDRESS, NOW - 3 * HOUR)] })]).sentence,
    'Not safe yet: unbound.service on b asked 10.0.0.53 3 h ago. It is safe in 21 h if nobody asks it until then.',
  );
  assert.equal(
    judge([sound('a', { asked: [asked(ADDRESS, NOW - 3 * DAY)] }), sound('b')]).sentence,
    'Safe: none of 2 hosts depends on 10.0.0.53, and nobody asked it for 3 days (24 h are needed).',
  );
});

test('verdict: hosts come in the order of their names, whichever reported first', () => {
  const depends = { told: told({ found: [dependence(ADDRESS, 'now')] }) };
  const never = { standing: 'never' as const, told: null };
  const { dependents, unseen, sentence } = judge([
    sound('d', depends),
    sound('c', never),
    sound('b', depends),
    sound('a', never),
  ]);
  assert.deepEqual(
    [dependents.map(({ name }) => name).join(' '), unseen.map(({ name }) => name).join(' ')],
    ['b d', 'a c'],
  );
  assert.match(sentence, /\(a, c\)/);
});
