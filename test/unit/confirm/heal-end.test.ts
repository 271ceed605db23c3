/** The end of a heal's trial: it is no result of a rollout, and an agent that ended in the middle bars no later heal. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { heldMeanwhile } from '../../../agent/commands/trial-words.ts';
import { configurationText, writeConfirmed, writeTried } from '../../../agent/confirm/trial/confirmed-configuration.ts';
import { keepChange, type PutBackReason, putBackChange } from '../../../agent/confirm/trial/end-trial.ts';
import { noteProvisional, readProvisional } from '../../../agent/confirm/trial/provisional.ts';
import {
  gatewaysText,
  readPutBack,
  standingPutBack,
  writePutBack,
} from '../../../agent/confirm/trial/put-back-memory.ts';
import { TrialGuard } from '../../../agent/confirm/trial/trial-guard.ts';
import { readTrial } from '../../../agent/confirm/trial/trial-record.ts';
import { endWave, noteWave, waveStanding } from '../../../agent/confirm/trial/wave-record.ts';
import { Host } from '../../../agent/host/host.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

const HASH = 'a'.repeat(64);
const ID = '3f9c12ab';
const KILLED: PutBackReason = {
  why: 'the agent ended before the change was confirmed',
  blames: true,
  interrupted: true,
};
const GONE: PutBackReason = { why: 'all 2 witnesses are gone', blames: true };

/** A host that confirmed its change in a rollout. Later the same settings drift together, so their heal has the same change id. */
function confirmedHost(t: TestContext): Host {
  const host = new Host({ root: scratch(t, {}), live: true });
  writeConfirmed(host, configurationText(HASH, []));
  noteWave(host, { change: ID, hash: HASH }, { go: true, why: '', again: 5_000, rollout: 'r', counts: null });
  endWave(host, { id: ID }, 'kept');
  return host;
}

const standing = (host: Host) => waveStanding(host, HASH)!.standing;

async function putBack(host: Host, reason: PutBackReason, heals: boolean): Promise<void> {
  const trial = writtenTrial(host, { hash: HASH, ...(heals ? { heals } : {}), gateways: await gatewaysText() });
  await putBackChange(host, trial, reason, () => assert.fail());
}

test('heal end: a heal that is put back or fails in part does not count against the rollout of its configuration', async (t) => {
  const host = confirmedHost(t);
  await putBack(host, GONE, true);
  assert.equal(standing(host), 'confirmed');
  keepChange(host, writtenTrial(host, { hash: HASH, heals: true, failed: true }), { reason: null, unseen: [] });
  assert.equal(standing(host), 'confirmed');
  await putBack(host, GONE, false);
  assert.equal(standing(host), 'put-back', 'the change itself was put back, as after a lease event');
});

test('heal end: the guard knows a heal by the configuration that is held already', async (t) => {
  const resource = {
    ...{ name: 'routes', watches: () => [] },
    inspect: async () => [
      { ...DRIFT, kind: 'route', state: 'drifted', wanted: 'via B', settings: async () => [] } as const,
    ],
    apply: async () => ({ ...DRIFT, result: 'changed' }) as const,
  };
  const heals = async (prepare: (host: Host) => void) => {
    const host = new Host({ root: scratch(t, {}), live: true });
    prepare(host);
    const guard = new TrialGuard({
      ...{ host, proof: null, hash: HASH, configuration: null, earlier: null, agent: ['false', 'false'] },
      confirm: { by: 'local', within: 10_000, also: [], inbound: null, waves: null },
      ...{ witnesses: async () => [], wave: null, wayBack: () => assert.fail() },
    });
    await guard.around([resource], async ([one]) => [await one!.apply((await one!.inspect())[0]!)]);
    return readTrial(host)!.heals ?? false;
  };
  assert.equal(await heals(() => {}), false);
  assert.equal(await heals((host) => writeConfirmed(host, configurationText('e'.repeat(64), []))), false);
  assert.equal(await heals((host) => writeConfirmed(host, configurationText(HASH, []))), true);
  const provisional = (host: Host) => {
    const { id, hash, by, before, boot } = writtenTrial(host, { hash: HASH, deadline: sinceBoot() - 1 });
    keepChange(host, readTrial(host)!, { reason: 'no collector', unseen: [] });
    noteProvisional(host, { ...readProvisional(host)!, ...{ id, hash, by, before, boot } });
  };
  assert.equal(await heals(provisional), true);
});

const DRIFT = { resource: 'routes', key: '0.0.0.0/0', moment: 'now', actual: 'via A' } as const;

test('heal end: an agent that ended in the middle of a heal bars no later heal, unless it happens again', async (t) => {
  const host = confirmedHost(t);
  await putBack(host, KILLED, true);
  assert.match(readPutBack(host)!.body, /put back: the agent ended before/);
  assert.equal(await standingPutBack(host, HASH), null);
  await putBack(host, KILLED, true);
  const rest = (await standingPutBack(host, HASH))!;
  assert.ok(rest.until! > Date.now() + 890_000);
  assert.match(heldMeanwhile(rest), /Drift from this configuration is not healed for another 15 min \(until /);
  const other = confirmedHost(t);
  await putBack(other, GONE, true);
  assert.notEqual(await standingPutBack(other, HASH), null, 'the heal itself may cut the host off');
});

test('heal end: an agent that ended in the middle of a new change is a reason not to try it again', async (t) => {
  const host = new Host({ root: scratch(t, {}), live: true });
  await putBack(host, KILLED, false);
  assert.equal(readPutBack(host)!.until, undefined);
  assert.doesNotMatch(heldMeanwhile(readPutBack(host)!), /is not healed/);
});

test('heal end: a daemon that starts takes over a heal in whose middle the agent ended, also before all was changed', async (t) => {
  const host = confirmedHost(t);
  writeTried(host, configurationText(HASH, []));
  writtenTrial(host, { hash: HASH, heals: true, changed: null, birth: 'of another process' });
  const guard = new TrialGuard({
    ...{ host, proof: null, hash: HASH, configuration: null, earlier: null, agent: ['false', 'false'] },
    confirm: { by: 'local', within: 10_000, also: [], inbound: null, waves: null },
    ...{ witnesses: async () => [], wave: null, wayBack: () => assert.fail() },
  });
  await guard.adopt();
  assert.equal(guard.trial?.id, ID);
  assert.notEqual(readTrial(host)!.changed, null);
  assert.equal(readTrial(host)!.pid, process.pid);
});

test('heal end: a heal of the earlier configuration leaves the change barred that was put back', (t) => {
  const host = confirmedHost(t);
  const other = { id: '00000000', hash: 'b'.repeat(64), body: 'put back', time: Date.now(), gateways: '', told: true };
  writePutBack(host, other);
  keepChange(host, writtenTrial(host, { hash: HASH, heals: true }), { reason: null, unseen: [] });
  assert.equal(readPutBack(host)?.id, other.id);
  keepChange(host, writtenTrial(host, { hash: HASH }), { reason: null, unseen: [] });
  assert.equal(readPutBack(host), null, 'a new configuration was kept');
});

test('heal end: the gateway of a change that a boot made again is no other network after its undo', async (t) => {
  const host = confirmedHost(t);
  const trial = writtenTrial(host, { hash: 'b'.repeat(64), boot: 'another', birth: 'another', gateways: '192.0.2.1' });
  await putBackChange(host, trial, GONE, () => assert.fail());
  const known = readPutBack(host)!.gateways.split(' ');
  for (const gateway of ['192.0.2.1', ...(await gatewaysText()).split(' ')])
    assert.ok(!gateway || known.includes(gateway));
  assert.notEqual(await standingPutBack(host, 'b'.repeat(64)), null);
});
