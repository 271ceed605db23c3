/** How the daemon treats a resource that the kernel tells of changes. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HealRecord } from '../../../../agent/daemon/heal/heal-record.ts';
import { Keeper } from '../../../../agent/daemon/heal/keeper.ts';
import { Witness } from '../../../../agent/daemon/heal/witness.ts';
import type { Finding, Outcome, Resource } from '../../../../agent/hold/resource.ts';
import { Host } from '../../../../agent/host/host.ts';
import type { Occurrence } from '../../../../probes/probe.ts';
import { scratch } from '../../../parts/scratch.ts';

/** A resource with one value. Only `apply` puts it right; `drift` takes it away and reports that. */
class Spring implements Resource {
  readonly name = 'spring';
  state: Finding['state'] = 'ok';
  more: Partial<Finding> = {};
  stopped = false;
  #changed = () => {};
  readonly #why: string | null;

  constructor(why: string | null = null) {
    this.#why = why;
  }

  async inspect(): Promise<Finding[]> {
    const common = { resource: this.name, key: 'water', kind: 'sysctl', moment: 'now', wanted: 'there' } as const;
    const more = this.state === 'drifted' ? this.more : {};
    const actual = this.state === 'ok' ? 'there' : null;
    return [{ ...common, state: this.state, actual, ...more, settings: async () => [] }];
  }

  async apply(): Promise<Outcome> {
    this.state = 'ok';
    return { resource: this.name, key: 'water', moment: 'now', result: 'changed', actual: 'there' };
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    this.#changed = changed;
    if (this.#why !== null) deaf(this.#why);
    return () => {
      this.stopped = true;
    };
  }

  drift(more: Partial<Finding>): void {
    this.state = 'drifted';
    this.more = more;
    this.#changed();
  }
}

async function keeping(t: TestContext, spring: Spring) {
  const host = new Host({ root: scratch(t) });
  const events: Occurrence[] = [];
  const tell = (event: Occurrence) => void events.push(event);
  const [witness, record] = [new Witness(host), new HealRecord()];
  const keeper = new Keeper({ host, resources: [spring], guard: null, enforce: true, record, witness, tell });
  t.after(() => keeper.close());
  keeper.watch();
  await keeper.look();
  return { keeper, names: () => events.map(({ name }) => name), events };
}

test('awaited changes: a change that has become possible is reported as awaited, never as a fight', async (t) => {
  const spring = new Spring();
  const { keeper, names } = await keeping(t, spring);
  for (let n = 0; n < 30; n += 1) {
    spring.drift({ awaited: true, by: null });
    await keeper.look([]);
    assert.equal(spring.state, 'ok');
  }
  assert.deepEqual(new Set(names()), new Set(['holdfast.awaited']));
});

test('awaited changes: a removal by another program is healed and names that program, until it is a fight', async (t) => {
  const spring = new Spring();
  const { keeper, names, events } = await keeping(t, spring);
  for (let n = 0; n < 11; n += 1) {
    spring.drift({ by: 'ip[12]' });
    await keeper.look([]);
  }
  assert.equal(names().filter((name) => name === 'holdfast.heal').length, 10);
  assert.ok(names().includes('holdfast.heal.suspended'));
  assert.equal(events[0]!.body, 'water was changed (by ip[12]) and is put right');
  assert.equal(events[0]!.attributes.trampler, 'ip[12]');
});

test('awaited changes: a resource that cannot listen says so, and is stopped', async (t) => {
  const spring = new Spring('no socket');
  const { keeper, events } = await keeping(t, spring);
  assert.deepEqual(
    events.map(({ name, body }) => [name, body]),
    [['holdfast.deaf', 'the kernel reports no changes of spring; the daemon looks every 10 s instead: no socket']],
  );
  await keeper.close();
  assert.equal(spring.stopped, true);
});
