/** Rollouts by waves: who is admitted when, what stops a rollout, and what a restart and hostile senders do to it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Store } from '../../../../agent/collector/store/store.ts';
import { Rollouts } from '../../../../agent/collector/waves/rollouts.ts';
import { DEFAULT_WAVES, parseWaves } from '../../../../agent/collector/waves/wave-sizes.ts';
import type { WaveStanding } from '../../../../agent/confirm/wire/wave-talk.ts';
import { scratch } from '../../../parts/scratch.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

interface Asked {
  readonly configuration?: string;
  readonly rollout?: string | null;
  readonly change?: string;
}

/** Rollouts of made-up hosts `h0`, `h1` …, by a clock that the test sets. */
class Scene {
  now = 1_000_000_000;
  stopped: (string | null)[] = [];
  gone = new Set<string>();
  /** When the last heartbeat of all hosts came, if it has come. */
  silentSince = Number.POSITIVE_INFINITY;
  readonly rollouts: Rollouts;

  constructor(store: Store, { hosts = 1_000, sizes = DEFAULT_WAVES, stopAfter = 1 } = {}) {
    const options = {
      sizes: parseWaves(sizes),
      stopAfter,
      known: () => hosts,
      nameOf: (host: string) => (this.gone.has(host) ? null : `name-of-${host}`),
      beaten: () => Math.min(this.now, this.silentSince),
      save: store.rollouts.save.bind(store.rollouts),
      stopped: (_: unknown, host: string | null) => this.stopped.push(host),
    };
    this.rollouts = new Rollouts(options, this.now);
    store.rollouts.restore(this.rollouts);
  }

  ask(host: string, { configuration = 'a', rollout = null, change }: Asked = {}) {
    this.now += 100;
    const of = { configuration: configuration.repeat(64).slice(0, 64), change: change ?? `change-${configuration}` };
    const question = { ...of, rollout, within: MINUTE };
    return this.rollouts.ask(host, question, this.now);
  }

  tell(host: string, standing: WaveStanding, { configuration = 'a', rollout = '' } = {}): void {
    const id = rollout || `config-${configuration.repeat(12).slice(0, 12)}`;
    this.rollouts.heard(host, { rollout: id, change: `change-${configuration}`, standing }, this.now);
  }

  /** All hosts that wait ask again; gives those that go. */
  round(hosts: readonly string[], how = {}): string[] {
    return hosts.filter((host) => this.ask(host, how).go);
  }
}

function scene(t: TestContext, options = {}, folder = scratch(t)): Scene {
  const store = new Store(folder);
  t.after(() => {
    try {
      store.close();
    } catch {
      // The test closed it.
    }
  });
  return Object.assign(new Scene(store, options), { store });
}

function hostsTo(count: number): string[] {
  return Array.from({ length: count }, (_, nth) => `h${nth}`);
}

test('waves: 1 host, then 1 %, 10 % and all go, each wave when all before it are confirmed', (t) => {
  const fleet = scene(t);
  const all = hostsTo(1_000);
  let waiting: string[] = [...all];
  const sizes: number[] = [];
  while (waiting.length > 0) {
    const went = fleet.round(waiting);
    assert.deepEqual(fleet.round(waiting.filter((host) => !went.includes(host))), [], 'nobody goes before the results');
    sizes.push(went.length);
    for (const host of went) fleet.tell(host, 'confirmed');
    waiting = waiting.filter((host) => !went.includes(host));
  }
  assert.deepEqual(sizes, [1, 9, 90, 900]);
});

test('waves: few hosts make no empty wave, and a wave is never smaller than the one before', (t) => {
  const fleet = scene(t, { hosts: 12 });
  const all = hostsTo(12);
  const went = fleet.round(all);
  assert.equal(went.length, 1);
  fleet.tell(went[0]!, 'confirmed');
  const second = fleet.round(all.slice(1));
  assert.equal(second.length, 1);
  fleet.tell(second[0]!, 'confirmed');
  assert.equal(fleet.round(all.slice(2)).length, 10);
});

test('waves: a host that asks again gets the same answer, and counts once', (t) => {
  const fleet = scene(t);
  assert.equal(fleet.ask('h0').go, true);
  assert.equal(fleet.ask('h0').go, true);
  assert.equal(fleet.ask('h1').go, false);
  const { rollout } = fleet.ask('h1');
  assert.deepEqual([rollout.admitted, rollout.count('waiting')], [1, 1]);
});

test('waves: a change that was put back stops the rollout, until an operator lets it go on', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.tell('h0', 'put-back');
  const { go, why, rollout } = fleet.ask('h1');
  assert.equal(go, false);
  assert.match(why, /the rollout was stopped: 1 change was put back.*name-of-h0/);
  assert.deepEqual(fleet.stopped, ['h0']);
  fleet.rollouts.goOn(rollout, fleet.now);
  assert.equal(fleet.ask('h1').go, true);
});

test('waves: with --waves-stop-after 2 the second change that was put back stops the rollout', (t) => {
  const fleet = scene(t, { sizes: '2,100%', stopAfter: 2 });
  assert.deepEqual(fleet.round(['h0', 'h1', 'h2']), ['h0', 'h1']);
  fleet.tell('h0', 'put-back');
  fleet.tell('h1', 'confirmed');
  assert.deepEqual(fleet.round(['h2', 'h3']), ['h2', 'h3']);
  fleet.tell('h3', 'put-back');
  assert.match(fleet.ask('h4').why, /2 changes were put back/);
});

test('waves: a provisional change holds the next wave up, and is not put back', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.tell('h0', 'provisional');
  const { why, rollout } = fleet.ask('h1');
  assert.match(why, /wave 1 of 4: 1 host \(1 provisional\)/);
  fleet.tell('h0', 'confirmed');
  assert.equal(fleet.ask('h1').go, true);
  fleet.round(hostsTo(10));
  for (const host of hostsTo(10)) fleet.tell(host, host === 'h1' ? 'provisional' : 'confirmed');
  assert.equal(fleet.ask('h10').go, false);
  fleet.rollouts.goOn(rollout, fleet.now);
  assert.equal(fleet.ask('h10').go, true, 'an operator may let it go on');
  assert.equal(fleet.stopped.length, 0);
});

test('waves: a host that lost its provisional change by a boot gets it again, unless the rollout was stopped since', (t) => {
  const fleet = scene(t, { sizes: '2,100%' });
  const { rollout } = fleet.ask('h0');
  fleet.tell('h0', 'provisional');
  assert.equal(fleet.ask('h0').go, true);
  assert.deepEqual([rollout.admitted, rollout.count('provisional')], [1, 1]);
  fleet.ask('h1');
  fleet.tell('h1', 'put-back');
  const { go, why } = fleet.ask('h0');
  assert.equal(go, false);
  assert.match(why, /the rollout was stopped: 1 change was put back/);
  assert.deepEqual([rollout.admitted, rollout.count('waiting'), rollout.holding], [1, 1, 0]);
  fleet.rollouts.goOn(rollout, fleet.now);
  assert.equal(fleet.ask('h0').go, true);
});

test('waves: a confirmed host that becomes provisional, and then falls silent, neither bars nor stops anything', (t) => {
  const fleet = scene(t);
  const { rollout } = fleet.ask('h0', { configuration: 'a' });
  fleet.tell('h0', 'confirmed', { configuration: 'a' });
  fleet.tell('h0', 'provisional', { configuration: 'a' });
  assert.deepEqual([rollout.count('confirmed'), rollout.holding], [1, 0]);
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, true);
  fleet.tell('h1', 'confirmed', { configuration: 'b' });
  fleet.silentSince = fleet.now;
  fleet.rollouts.look(fleet.now + 20 * MINUTE, false);
  assert.deepEqual(fleet.stopped, []);
  fleet.silentSince = Number.POSITIVE_INFINITY;
  fleet.tell('h0', 'put-back', { configuration: 'a' });
  assert.deepEqual(fleet.stopped, ['h0'], 'a change that is put back counts also later');
});

test('waves: results that come 7 days after the last admission neither stop a rollout nor bar others', (t) => {
  const fleet = scene(t);
  fleet.ask('h0', { configuration: 'a' });
  fleet.tell('h0', 'provisional', { configuration: 'a' });
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, false);
  fleet.now += 8 * DAY;
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, true);
  fleet.tell('h1', 'confirmed', { configuration: 'b' });
  fleet.silentSince = fleet.now;
  fleet.rollouts.look(fleet.now + 20 * MINUTE, false);
  assert.deepEqual(fleet.stopped, []);
  assert.equal(fleet.ask('h2', { configuration: 'c' }).go, true);
});

test('waves: an admitted host whose result never comes stops the rollout after a bounded time', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.now += 5 * MINUTE;
  fleet.rollouts.look(fleet.now, false);
  assert.match(fleet.ask('h1').why, /1 without a result yet/);
  fleet.now += 2 * MINUTE;
  fleet.rollouts.look(fleet.now, false);
  assert.match(fleet.ask('h1').why, /stopped: 1 host was lost \(name-of-h0\)/);
});

test('waves: a collector that takes no heartbeats loses nobody', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.now += 60 * MINUTE;
  fleet.rollouts.look(fleet.now, true);
  fleet.rollouts.look(fleet.now + MINUTE, false);
  assert.equal(fleet.stopped.length, 0);
});

test('waves: a restart forgets neither the hosts that were admitted nor a stop', (t) => {
  const folder = scratch(t);
  const before = scene(t, {}, folder) as Scene & { store: Store };
  before.ask('h0');
  before.ask('h1');
  before.ask('n0', { rollout: 'named', configuration: 'b' });
  before.rollouts.stop(before.rollouts.find('named')!, before.now);
  before.store.close();
  const after = scene(t, {}, folder);
  after.now = before.now + 60 * MINUTE;
  assert.equal(after.ask('h1').go, false);
  assert.equal(after.ask('h0').go, true);
  assert.match(after.ask('n1', { rollout: 'named', configuration: 'b' }).why, /an operator stopped it/);
  after.tell('h0', 'confirmed');
  assert.equal(after.ask('h1').go, true);
});

test('waves: a result from before the admission does not put the next try back', (t) => {
  const fleet = scene(t);
  const { rollout } = fleet.ask('h0');
  fleet.tell('h0', 'put-back');
  fleet.rollouts.goOn(rollout, fleet.now);
  fleet.silentSince = fleet.now;
  fleet.now += MINUTE;
  assert.equal(fleet.ask('h0').go, true);
  fleet.tell('h0', 'put-back');
  assert.equal(rollout.count('admitted'), 1);
  fleet.silentSince = Number.POSITIVE_INFINITY;
  fleet.tell('h0', 'put-back');
  assert.equal(rollout.count('put-back'), 1);
});

test('waves: what a host told before it was lost holds nothing up again', (t) => {
  const fleet = scene(t);
  const { rollout } = fleet.ask('h0');
  fleet.tell('h0', 'provisional');
  fleet.silentSince = fleet.now;
  fleet.now += 20 * MINUTE;
  fleet.rollouts.look(fleet.now, false);
  fleet.rollouts.goOn(rollout, fleet.now);
  fleet.tell('h0', 'provisional');
  assert.deepEqual([rollout.count('lost'), rollout.holding], [1, 0]);
  fleet.silentSince = Number.POSITIVE_INFINITY;
  fleet.tell('h0', 'provisional');
  assert.deepEqual([rollout.count('lost'), rollout.holding], [0, 1]);
});

test('waves: time without a collector does not count against a host', (t) => {
  const folder = scratch(t);
  const before = scene(t, {}, folder) as Scene & { store: Store };
  before.ask('h0');
  before.store.close();
  const after = scene(t, {}, folder);
  after.rollouts.look(after.now + 5 * MINUTE, false);
  assert.equal(after.stopped.length, 0);
});

test('waves: without a name, hosts with other configurations change one after another', (t) => {
  const fleet = scene(t);
  assert.equal(fleet.ask('h0', { configuration: 'a' }).go, true);
  assert.match(fleet.ask('h1', { configuration: 'b' }).why, /the first host of another configuration is under way/);
  fleet.tell('h0', 'confirmed', { configuration: 'a' });
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, true);
  fleet.tell('h1', 'put-back', { configuration: 'b' });
  assert.match(fleet.ask('h2', { configuration: 'c' }).why, /another configuration was stopped/);
});

test('waves: the cure of a change that was put back is tried on the same host first', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.tell('h0', 'put-back');
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, false);
  fleet.now += MINUTE;
  assert.equal(fleet.ask('h0', { configuration: 'b' }).go, true);
  fleet.tell('h0', 'confirmed', { configuration: 'b' });
  assert.equal(fleet.ask('h1', { configuration: 'b' }).go, true);
});

test('waves: a name joins hosts with different configurations, and another change by the same name begins anew', (t) => {
  const fleet = scene(t);
  const named = { rollout: 'release-7' };
  assert.equal(fleet.ask('h0', { ...named, configuration: 'a' }).go, true);
  assert.equal(fleet.ask('h1', { ...named, configuration: 'b' }).go, false);
  fleet.tell('h0', 'confirmed', { configuration: 'a', rollout: 'release-7' });
  assert.equal(fleet.ask('h1', { ...named, configuration: 'b' }).go, true);
  fleet.now += MINUTE;
  const { go, rollout } = fleet.ask('h0', { ...named, configuration: 'c' });
  assert.deepEqual([go, rollout.admitted, rollout.wave], [true, 1, 0]);
  assert.equal(fleet.ask('h2', { ...named, configuration: 'd' }).go, false);
});

test('waves: by the same name, only the host that was put back ends a stop with another change', (t) => {
  const fleet = scene(t, { sizes: '2,100%' });
  const named = { rollout: 'release-7' };
  fleet.round(['h0', 'h1'], named);
  fleet.tell('h0', 'confirmed', named);
  fleet.tell('h1', 'put-back', named);
  fleet.now += MINUTE;
  const { go, why, rollout } = fleet.ask('h0', { ...named, configuration: 'b' });
  assert.equal(go, false);
  assert.match(why, /the rollout was stopped: 1 change was put back/);
  assert.deepEqual([rollout.count('confirmed'), rollout.count('put-back')], [1, 1]);
  fleet.now += 8 * DAY;
  assert.equal(fleet.ask('h2', { ...named, configuration: 'b' }).go, false, 'no time ends a stop');
  assert.equal(fleet.ask('h1', { ...named, configuration: 'b' }).go, true);
  assert.deepEqual([rollout.stop, rollout.admitted, rollout.wave], [null, 1, 0]);
});

test('waves: an operator lets a stopped rollout go on, which then begins anew with another change', (t) => {
  const fleet = scene(t, { sizes: '2,100%' });
  const named = { rollout: 'release-7' };
  fleet.round(['h0', 'h1'], named);
  fleet.tell('h0', 'confirmed', named);
  fleet.rollouts.stop(fleet.rollouts.find('release-7')!, fleet.now);
  fleet.now += MINUTE;
  const { go, rollout } = fleet.ask('h0', { ...named, configuration: 'b' });
  assert.deepEqual([go, rollout.admitted], [false, 2]);
  fleet.rollouts.goOn(rollout, fleet.now);
  assert.equal(fleet.ask('h0', { ...named, configuration: 'b' }).go, true);
  assert.deepEqual([rollout.admitted, rollout.wave], [1, 0]);
});

test('waves: an operator stops a rollout, and hosts that have not begun wait', (t) => {
  const fleet = scene(t);
  const { rollout } = fleet.ask('h0');
  fleet.rollouts.stop(rollout, fleet.now);
  assert.equal(fleet.ask('h0').go, false);
  assert.deepEqual([rollout.admitted, rollout.count('waiting')], [0, 1]);
  fleet.rollouts.goOn(rollout, fleet.now);
  assert.equal(fleet.ask('h0').go, true);
});

test('waves: a host that the collector forgot is in no rollout', (t) => {
  const fleet = scene(t);
  fleet.ask('h0');
  fleet.gone.add('h0');
  fleet.rollouts.look(fleet.now, false);
  assert.equal(fleet.ask('h1').go, true);
});

test('waves: nothing is admitted that cannot be stored', (t) => {
  const fleet = scene(t) as Scene & { store: Store };
  fleet.store.close();
  assert.match(fleet.ask('h0').why, /can store nothing/);
  assert.equal(fleet.ask('h0').go, false);
});

test('waves: 20,000 change ids and names of one sender leave no more than its hosts, in memory and on the disk', (t) => {
  const folder = scratch(t);
  const fleet = scene(t, {}, folder) as Scene & { store: Store };
  for (let nth = 0; nth < 20_000; nth += 1) {
    const configuration = nth.toString(16).padStart(12, '0');
    fleet.ask(`h${nth % 3}`, { configuration, change: `c${nth}`, rollout: nth % 2 ? `n${nth}` : null });
  }
  assert.ok([...fleet.rollouts.all].length <= 3, `${[...fleet.rollouts.all].length} rollouts`);
  fleet.rollouts.tidy(fleet.now + 8 * DAY);
  fleet.store.close();
  const database = new DatabaseSync(join(folder, 'collector.db'));
  const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
  assert.ok(count('rollouts') <= 3 && count('admitted') <= 3, `${count('rollouts')} and ${count('admitted')} rows`);
  database.close();
});
