/** Which changes of the daemon go through a trial, and which are made at once. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LateTrial } from '../../../agent/commands/context/late-trial.ts';
import { configurationText, writeConfirmed } from '../../../agent/confirm/trial/confirmed-configuration.ts';
import { noteProvisional, type ProvisionalChange } from '../../../agent/confirm/trial/provisional.ts';
import { TrialGuard } from '../../../agent/confirm/trial/trial-guard.ts';
import type { Guard } from '../../../agent/hold/converge.ts';
import type { Resource } from '../../../agent/hold/resource.ts';
import { markBoot } from '../../../agent/host/boot-mark.ts';
import { Host } from '../../../agent/host/host.ts';
import { CONFIRMED } from '../../../agent/host/paths.ts';
import { scratch } from '../../parts/scratch.ts';

const HASH = 'a'.repeat(64);
const CONFIRMED_BEFORE = 'e'.repeat(64);

/** One file-like resource that has drifted until it is applied. */
class Drifting implements Resource {
  readonly name = 'routes';
  applied = 0;

  watches(): string[] {
    return [];
  }

  async inspect() {
    const state: 'ok' | 'drifted' = this.applied > 0 ? 'ok' : 'drifted';
    return [
      { ...this.#place, kind: 'route', state, wanted: 'via B', actual: 'via A', settings: async () => [] } as const,
    ];
  }

  async apply() {
    this.applied += 1;
    return { ...this.#place, result: 'changed', actual: 'via B' } as const;
  }

  readonly #place = { resource: 'routes', key: '0.0.0.0/0', moment: 'now' } as const;
}

/** A daemon with the configuration HASH, on a host where another one was confirmed. `tried`: trials that were asked for. */
function daemonOf(t: TestContext) {
  const host = new Host({ root: scratch(t, {}), live: true });
  writeConfirmed(host, configurationText(CONFIRMED_BEFORE, []));
  const tried: string[] = [];
  const asked: string[] = [];
  const guard = new TrialGuard({
    ...{ host, proof: null, hash: HASH, configuration: null, earlier: null, agent: ['false', 'false'] },
    confirm: { by: 'local', within: 10_000, also: [], inbound: null, waves: { rollout: null } },
    witnesses: async () => {
      tried.push('asked the witnesses');
      return [];
    },
    wave: async ({ change }) => {
      asked.push(change);
      return { go: false, why: 'a test', again: 15_000, rollout: null, counts: null };
    },
    wayBack: () => assert.fail(),
  });
  const trial = new LateTrial({
    ...{ host, proof: null, hash: HASH, tries: true, decrees: false },
    load: async () => guard,
    confirm: async () => {},
  });
  return { host, trial, tried, asked };
}

function provisional(host: Host, more: Partial<ProvisionalChange>): void {
  const change = { id: '3f9c12ab', hash: HASH, reason: 'the collector is lost', by: 'local', before: [] } as const;
  noteProvisional(host, { ...change, time: Date.now(), boot: markBoot(host), init: null, unseen: ['boot'], ...more });
}

const healed = async (trial: LateTrial, guard: Guard = trial.healing) => {
  const resource = new Drifting();
  const change = async ([one]: readonly Resource[]) => [await one!.apply((await one!.inspect())[0]!)];
  const [outcome] = await guard.around([resource], change);
  return { applied: resource.applied, postponed: outcome!.postponed, reason: outcome!.reason };
};

test('late trial: drift from a provisional change is healed at once, until a boot applies what was confirmed', async (t) => {
  const { host, trial, asked } = daemonOf(t);
  provisional(host, {});
  assert.deepEqual(await healed(trial), { applied: 1, postponed: undefined, reason: undefined });
  assert.deepEqual(asked, [], 'no wave is asked about drift');
  provisional(host, { boot: 'another' });
  const { applied, reason } = await healed(trial);
  assert.equal(applied, 0);
  assert.match(reason!, /nothing is changed yet/);
  assert.equal(asked.length, 1, 'the change is a new one on this boot');
});

test('late trial: without an earlier configuration a boot applies a provisional change, and it is held without a question', async (t) => {
  const { host, trial, asked } = daemonOf(t);
  host.remove(CONFIRMED);
  provisional(host, { boot: 'another' });
  assert.equal((await healed(trial, trial.joint)).applied, 1);
  assert.equal((await healed(trial)).applied, 1);
  assert.deepEqual(asked, []);
});

test('late trial: a change that its witnesses proved is held without a trial also after a boot', async (t) => {
  const { host, trial } = daemonOf(t);
  provisional(host, { reason: null, boot: 'another' });
  assert.equal((await healed(trial)).applied, 1);
});

test('late trial: no heal asks about a change that waits for its wave, and none fails by that', async (t) => {
  const { trial, asked } = daemonOf(t);
  await healed(trial, trial);
  assert.equal(asked.length, 1, 'the change waits now');
  for (const guard of [trial.healing, trial.joint]) {
    const { applied, postponed, reason } = await healed(trial, guard);
    assert.deepEqual([applied, postponed], [0, true]);
    assert.match(reason!, /the host waits for its wave/);
  }
  assert.equal(asked.length, 1);
});
