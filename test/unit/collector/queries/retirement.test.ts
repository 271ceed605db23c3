/** One address of a fleet, until it may be switched off: hosts that depend on it, hosts that asked it, hosts that cannot be seen. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Fleet } from '../../../../agent/collector/fleet/fleet.ts';
import { Retirement } from '../../../../agent/collector/queries/retirement.ts';
import { ExpectedHosts } from '../../../../agent/collector/retire/expected.ts';
import type { Dependence, Tense, Unseen } from '../../../../agent/depends/dependence.ts';
import { accepted } from '../../../parts/accepted.ts';
import { beat, DAY, fleetOf, START, tell } from '../../../parts/collector-fleet.ts';

const HOUR = 3_600_000;
const ADDRESS = '10.0.0.53';

/** A fleet whose clock the test moves; each host beats at each step. */
class Scene {
  now = START + 40 * DAY;
  fleet: Fleet;
  expected: ExpectedHosts;
  #retirement: Retirement;
  readonly #again: (at: number) => Fleet;
  readonly #beats = new Map<string, { sequence: number; asked: Map<string, number>; since: number | null }>();
  stored: Parameters<ConstructorParameters<typeof ExpectedHosts>[1]>[0] = [];

  constructor(t: TestContext) {
    const { fleet, again } = fleetOf(t, 14 * DAY, this.now, ({ key, seen, sender }) =>
      this.expected.lose(key, key, seen, sender),
    );
    this.fleet = fleet;
    this.#again = again;
    [this.expected, this.#retirement] = this.#judges();
  }

  host(id: string, since: number | null = this.now - 30 * DAY): void {
    this.#beats.set(id, { sequence: 0, asked: new Map(), since });
    this.tell(id);
  }

  tell(id: string, found: [string, Tense][] = [], unseen: Unseen[] = [], longestLease: number | null = null): void {
    const rest = { source: 's', who: 'w', where: 'f:1', reason: 'r', cure: 'c' };
    const all: Dependence[] = found.map(([address, tense]) => ({ address: accepted(address), tense, ...rest }));
    const body = JSON.stringify({ found: all, unseen, longestLease, cut: 0 });
    tell(this.fleet, id, this.now, { name: 'holdfast.dependences', body });
  }

  ask(id: string, server: string, unit = 'app.service'): void {
    this.#beats.get(id)!.asked.set(JSON.stringify([server, unit]), this.now);
  }

  /** Time passes, and every host but these beats; `ahead` of ours is the hosts' clock. */
  pass(time: number, silent: readonly string[] = [], ahead = 0): void {
    this.now += time;
    for (const [id, host] of this.#beats) {
      if (silent.includes(id)) continue;
      host.sequence += 1;
      const at = (time: number) => Math.floor((time + ahead) / 1000);
      const asked = [...host.asked].map(([key, last]) => {
        const [server, unit] = JSON.parse(key);
        return ['holdfast.nameserver.last_asked', at(last), { server, unit, user: '' }] as const;
      });
      const since = host.since === null ? [] : [['holdfast.nameserver.ledger_since', at(host.since)] as const];
      const sent = { id, sequence: host.sequence, time: this.now + ahead, now: this.now };
      beat(this.fleet, { ...sent, values: [...since, ...asked] });
    }
    this.fleet.commit();
  }

  /** The ledger of the host forgets what it saw. */
  expire(id: string): void {
    this.#beats.get(id)!.asked.clear();
  }

  restart(): void {
    this.fleet.commit();
    this.fleet = this.#again(this.now);
    [this.expected, this.#retirement] = this.#judges();
  }

  verdict(address = ADDRESS) {
    return this.#retirement.verdict(new URLSearchParams({ address }), this.now);
  }

  nameservers() {
    return this.#retirement.nameservers(new URLSearchParams(), this.now).nameservers;
  }

  retire(name: string): void {
    this.#retirement.retire(name, this.now);
  }

  #judges(): [ExpectedHosts, Retirement] {
    const expected = new ExpectedHosts([...this.stored], (all) => {
      this.stored = [...all];
    });
    return [expected, new Retirement(this.fleet, expected, { list: [] }, 0)];
  }
}

test('fleet: the verdict turns from not safe to unknown to safe as each host is cured', (t) => {
  const scene = new Scene(t);
  for (const id of ['a', 'b', 'c', 'd']) scene.host(id);
  scene.expected.readFile(['a', 'b', 'c', 'd', 'e']);
  scene.tell('a', [[ADDRESS, 'lease']]);
  scene.tell('b', [
    [ADDRESS, 'holder'],
    ['10.0.0.1', 'now'],
  ]);
  scene.pass(30_000);
  scene.pass(30_000);
  scene.pass(5 * 60_000, ['d']);
  const first = scene.verdict();
  assert.equal(first.verdict, 'not-safe');
  assert.deepEqual(first.dependents.hosts.map(({ id }) => id).sort(), ['a', 'b']);
  assert.deepEqual(first.unseen.hosts.map(({ id, standing }) => [id, standing]).sort(), [
    ['d', 'silent'],
    ['e', 'never'],
  ]);
  scene.tell('a');
  scene.tell('b', [['10.0.0.1', 'now']]);
  scene.pass(30_000, ['d']);
  assert.equal(scene.verdict().verdict, 'unknown');
  scene.host('e');
  scene.pass(30_000);
  const last = scene.verdict();
  assert.equal(last.verdict, 'safe', last.sentence);
  assert.equal(last.hosts, 5);
});

test('fleet: an asker blocks the address for a day after its last question, also after the ledger forgot the asker', (t) => {
  const scene = new Scene(t);
  scene.host('a');
  scene.ask('a', '::ffff:10.0.0.53');
  scene.pass(30_000);
  const { verdict, dependents, safeAt, sentence } = scene.verdict();
  assert.equal(verdict, 'not-safe');
  assert.equal(dependents.hosts[0]!.dependences[0]!.tense, 'asked');
  assert.match(dependents.hosts[0]!.dependences[0]!.who, /app\.service/);
  assert.match(sentence, /^Not safe yet: app\.service on a asked 10\.0\.0\.53 /);
  scene.pass(60_000);
  scene.expire('a');
  const asked = safeAt! - DAY;
  scene.pass(60_000);
  for (const restart of [false, true]) {
    if (restart) scene.restart();
    scene.pass(60_000);
    scene.tell('a');
    const still = scene.verdict();
    assert.equal(still.verdict, 'not-safe');
    assert.ok(Math.abs(still.lastAsked!.time - asked) < 2_000, `${still.lastAsked!.time - asked}`);
  }
  scene.pass(safeAt! - scene.now - 30_000);
  scene.tell('a');
  assert.equal(scene.verdict().verdict, 'not-safe');
  scene.pass(60_000);
  assert.equal(scene.verdict().verdict, 'safe');
});

test("fleet: a host's wrong clock changes neither the last asker nor the start of its ledger", (t) => {
  for (const ahead of [-3 * DAY, -HOUR, HOUR, 3 * DAY]) {
    const scene = new Scene(t);
    scene.host('a', scene.now - 2 * HOUR);
    scene.ask('a', ADDRESS);
    scene.pass(30_000, [], ahead);
    const asked = scene.now - 30_000;
    scene.pass(30_000, [], ahead);
    const { lastAsked, verdict } = scene.verdict();
    assert.equal(verdict, 'not-safe');
    assert.ok(Math.abs(lastAsked!.time - asked) < 2_000);
    scene.expire('a');
    scene.pass(20 * HOUR, [], ahead);
    scene.tell('a');
    assert.equal(scene.verdict('10.0.0.99').verdict, 'unknown', 'its ledger watches for 22 h only');
    scene.pass(3 * HOUR, [], ahead);
    assert.equal(scene.verdict('10.0.0.99').verdict, 'safe');
  }
});

test('fleet: a restart of the collector loses neither dependences nor retired hosts', (t) => {
  const scene = new Scene(t);
  for (const id of ['a', 'gone']) scene.host(id);
  scene.tell('a', [[ADDRESS, 'boot']]);
  scene.pass(30_000);
  scene.pass(30_000);
  scene.pass(10 * 60_000, ['gone']);
  assert.throws(() => scene.retire('a'), /reports, so it would come back/);
  assert.throws(() => scene.retire('nobody'), /no such host/);
  scene.retire('gone');
  const shown = () => [scene.verdict().hosts, [...scene.fleet.rows.all()].map(({ id }) => id)];
  scene.pass(30_000, ['gone']);
  scene.fleet.rows.settle(scene.now);
  assert.deepEqual(shown(), [1, ['a']]);
  scene.restart();
  scene.pass(30_000, ['gone']);
  scene.fleet.rows.settle(scene.now);
  assert.deepEqual(shown(), [1, ['a']]);
  assert.equal(scene.verdict().dependents.hosts[0]!.dependences[0]!.tense, 'boot');
  scene.pass(30_000);
  scene.fleet.rows.settle(scene.now);
  assert.deepEqual(shown(), [2, ['a', 'gone']], 'it comes back by itself');
});

test('fleet: a host that the collector forgot is still expected, until it is retired or reports', (t) => {
  const scene = new Scene(t);
  for (const id of ['a', 'old']) scene.host(id);
  scene.pass(30_000);
  scene.pass(30_000);
  for (let day = 0; day < 16; day += 1) {
    scene.pass(DAY, ['old']);
    scene.tell('a');
    scene.fleet.upkeep.tidy(scene.now);
  }
  assert.equal(scene.fleet.find('old'), undefined);
  scene.pass(30_000, ['old']);
  const { verdict, unseen } = scene.verdict();
  assert.equal(verdict, 'unknown');
  assert.deepEqual(
    unseen.hosts.map(({ id, standing }) => [id, standing]),
    [['old', 'lost']],
  );
  scene.retire('old');
  assert.equal(scene.verdict().verdict, 'safe');
});

test('fleet: the list of name servers has each one that a host is configured for or has asked', (t) => {
  const scene = new Scene(t);
  for (const id of ['a', 'b', 'c']) scene.host(id);
  scene.tell('a', [
    ['10.0.0.1', 'now'],
    ['10.0.0.1', 'boot'],
    ['10.0.0.9', 'holder'],
  ]);
  scene.tell('b', [['10.0.0.1', 'now']]);
  scene.ask('c', '10.0.0.7');
  scene.pass(30_000);
  const rows = scene.nameservers().map(({ address, hosts, tenses }) => [address, hosts, tenses.now, tenses.asked]);
  assert.deepEqual(rows, [
    ['10.0.0.1', 2, 2, 0],
    ['10.0.0.7', 1, 0, 1],
    ['10.0.0.9', 1, 0, 0],
  ]);
});

test('fleet: the verdict waits for twice the longest lease of any host, if that is more than a day', (t) => {
  const scene = new Scene(t);
  for (const id of ['a', 'b']) scene.host(id);
  scene.tell('b', [], [], 48 * 3600);
  scene.ask('a', ADDRESS);
  scene.pass(30_000);
  scene.expire('a');
  scene.pass(90 * HOUR);
  for (const id of ['a', 'b']) scene.tell(id, [], [], id === 'b' ? 48 * 3600 : null);
  const { verdict, window, longestLease } = scene.verdict();
  assert.deepEqual([verdict, window, longestLease?.id], ['not-safe', 4 * DAY, 'b']);
});

test('fleet: a host that asks more servers than are kept is unknown, and other hosts are unaffected', (t) => {
  const scene = new Scene(t);
  scene.host('a');
  scene.host('b');
  for (let n = 0; n < 300; n += 1) scene.ask('a', `10.1.${n % 256}.${Math.floor(n / 256)}`);
  scene.ask('b', '10.0.0.1');
  scene.pass(30_000);
  const { verdict, unseen } = scene.verdict();
  assert.equal(verdict, 'unknown');
  assert.deepEqual(
    unseen.hosts.map(({ id }) => id),
    ['a'],
  );
  assert.match(unseen.hosts[0]!.reasons.join(), /oldest were dropped/);
});
