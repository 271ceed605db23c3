/** While another apply has the lock, the keeper neither heals nor reports. It looks again soon at every resource. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { HealRecord } from '../../../../agent/daemon/heal/heal-record.ts';
import { Keeper } from '../../../../agent/daemon/heal/keeper.ts';
import { Witness } from '../../../../agent/daemon/heal/witness.ts';
import type { Finding, Resource } from '../../../../agent/hold/resource.ts';
import { Host } from '../../../../agent/host/host.ts';
import { RUN_FOLDER } from '../../../../agent/host/paths.ts';
import type { Occurrence } from '../../../../probes/probe.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

const skip = missing('flock');

function drifting(name: string, done: EventTarget): Resource {
  let state: Finding['state'] = 'ok';
  const common = { resource: name, key: name, moment: 'now' } as const;
  const finding = (): Finding => {
    return {
      ...common,
      kind: 'sysctl',
      state,
      wanted: '1',
      actual: state === 'ok' ? '1' : '0',
      settings: async () => [],
    };
  };
  return {
    name,
    async inspect() {
      return [finding()];
    },
    async apply() {
      state = 'ok';
      done.dispatchEvent(new Event(name));
      return { ...common, result: 'changed', actual: '1' };
    },
    watches: () => [],
    follow: () => {
      state = 'drifted';
      return () => {};
    },
  };
}

function keeping(t: TestContext, names: readonly string[], isSuperseded = () => false) {
  const host = new Host({ root: scratch(t) });
  const done = new EventTarget();
  const events: Occurrence[] = [];
  const resources = names.map((name) => drifting(name, done));
  const keeper = new Keeper({
    host,
    resources,
    guard: null,
    enforce: true,
    record: new HealRecord(),
    witness: new Witness(host),
    tell: (event) => void events.push(event),
    isSuperseded,
  });
  t.after(() => keeper.close());
  const healed = () => events.filter(({ name }) => name === 'holdfast.heal').map(({ attributes }) => attributes.key);
  const drift = () =>
    resources.map((resource) =>
      resource.follow?.(
        () => {},
        () => {},
      ),
    );
  return { host, keeper, events, healed, drift, all: Promise.all(names.map((name) => once(done, name))) };
}

test('keeper: beside an apply it reports no drift, and heals each resource once the apply has ended', {
  skip,
}, async (t) => {
  const names = ['one', 'two', 'three'];
  const { host, keeper, events, healed, drift, all } = keeping(t, names);
  drift();
  await host.exclusively(RUN_FOLDER, async () => {
    await keeper.look();
    assert.deepEqual(events, []);
  });
  await all;
  await keeper.look();
  assert.deepEqual(healed().sort(), names.toSorted());
});

test('keeper: an apply that waits for silent name servers still has the lock', { skip }, async (t) => {
  const { host, keeper, events, drift, all } = keeping(t, ['one']);
  drift();
  // Longer than the lock's longest retry needs to be reached.
  await host.exclusively(RUN_FOLDER, async () => {
    for (const end = performance.now() + 4500; performance.now() < end; ) {
      await keeper.look();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(events, []);
  });
  await all;
});

test('keeper: it neither heals nor reports what an apply of another configuration changed', { skip }, async (t) => {
  let superseded = true;
  const { keeper, events, healed, drift } = keeping(t, ['one', 'two'], () => superseded);
  drift();
  await keeper.look();
  await keeper.look();
  assert.deepEqual(events, []);
  superseded = false;
  keeper.resume();
  await keeper.look([]);
  assert.deepEqual(healed(), ['one', 'two'], 'the other configuration was refused');
});

test('keeper: a pause delays every heal and every report until it resumes', { skip }, async (t) => {
  const { keeper, events, healed, drift } = keeping(t, ['one', 'two']);
  drift();
  keeper.pause();
  await keeper.look();
  assert.deepEqual(events, []);
  keeper.resume();
  await keeper.look([]);
  assert.deepEqual(healed(), ['one', 'two']);
});
