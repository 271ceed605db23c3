/** The ends of a trial where the disk takes nothing, the undo was refused, or the change was put back before. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configurationText, readConfirmed, writeTried } from '../../../agent/confirm/trial/confirmed-configuration.ts';
import { keepChange, putBackChange } from '../../../agent/confirm/trial/end-trial.ts';
import {
  gatewaysText,
  isSameNetwork,
  readPutBack,
  standingPutBack,
  writePutBack,
} from '../../../agent/confirm/trial/put-back-memory.ts';
import { TrialGuard } from '../../../agent/confirm/trial/trial-guard.ts';
import {
  isAbandoned,
  isOfEarlierBoot,
  readTrial,
  type TrialRecord,
} from '../../../agent/confirm/trial/trial-record.ts';
import { noteWave, waveStanding } from '../../../agent/confirm/trial/wave-record.ts';
import type { Finding, Resource } from '../../../agent/hold/resource.ts';
import { HostError } from '../../../agent/host/errors.ts';
import { Host } from '../../../agent/host/host.ts';
import { BOOT_MARK, CONFIRMED, PUT_BACK } from '../../../agent/host/paths.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

const HASH = 'a'.repeat(64);

/** A host whose disk has no room for `file`, as often as `times`. */
class FullHost extends Host {
  file: string | null = null;
  times = Number.POSITIVE_INFINITY;

  override replaceOwn(...[path, ...rest]: Parameters<Host['replaceOwn']>): void {
    if (path === this.file && this.times-- > 0) throw new HostError('ENOSPC', 'no space left on device');
    super.replaceOwn(path, ...rest);
  }
}

function onTrial(t: TestContext, more: Partial<TrialRecord> = {}): { host: FullHost; trial: TrialRecord } {
  const host = new FullHost({ root: scratch(t, {}), live: true });
  const begun = sinceBoot() - 20_000;
  const trial = writtenTrial(host, { hash: HASH, begun, changed: begun, ...more });
  writeTried(host, 'configuration\n');
  return { host, trial };
}

test('trial end: a good change stays if the disk has no room to remember its configuration', (t) => {
  const { host, trial } = onTrial(t);
  host.file = CONFIRMED;
  keepChange(host, trial, { reason: null, unseen: ['boot'] });
  assert.equal(readTrial(host), null);
  assert.equal(readConfirmed(host), null);
});

test('trial end: an undo ends the trial first, and remembers the change when the disk has room again', async (t) => {
  const { host, trial } = onTrial(t);
  host.file = PUT_BACK;
  host.times = 1;
  await putBackChange(host, trial, { why: 'by hand', blames: true }, () => assert.fail());
  assert.equal(readTrial(host), null);
  assert.match(readFileSync(join(host.root, PUT_BACK), 'utf8'), /put back: by hand/);
  const { host: full, trial: other } = onTrial(t);
  full.file = PUT_BACK;
  await assert.rejects(
    putBackChange(full, other, { why: 'by hand', blames: true }, () => assert.fail()),
    /no space/,
  );
  assert.equal(readTrial(full), null, 'no later change is barred');
});

test('trial end: a trial whose undo was refused in part is not left to a daemon that decides nothing any more', (t) => {
  const { host, trial } = onTrial(t);
  assert.equal(isAbandoned(host, trial), false);
  assert.equal(isAbandoned(host, { ...trial, deadline: sinceBoot() - 30_000 }), false, 'it may wait for the lock');
  assert.equal(isAbandoned(host, { ...trial, deadline: sinceBoot() - 300_000 }), true);
});

test('trial end: a gateway that is gone makes no other network, and a new one does', () => {
  assert.equal(isSameNetwork('10.0.0.1 fe80::1', '10.0.0.1'), true);
  assert.equal(isSameNetwork('10.0.0.1 on the link', ''), true);
  assert.equal(isSameNetwork('10.0.0.1 on the link', 'on the link'), true);
  assert.equal(isSameNetwork('', '10.0.0.1'), false);
  assert.equal(isSameNetwork('10.0.0.1', '10.0.0.1 10.9.0.1'), false);
});

/** One resource that has drifted. */
function drifting(): { resource: Resource; applied: () => number } {
  let applied = 0;
  const place = { resource: 'routes', key: '0.0.0.0/0', moment: 'now' } as const;
  const resource: Resource = {
    name: 'routes',
    watches: () => [],
    inspect: async () => [
      { ...place, kind: 'route', state: 'drifted', wanted: 'via B', actual: 'via A', settings: async () => [] },
    ],
    apply: async () => {
      applied += 1;
      return { ...place, result: 'changed', actual: 'via B' };
    },
  };
  return { resource, applied: () => applied };
}

function guardOf(host: Host, earlier: string | null = null): TrialGuard {
  return new TrialGuard({
    ...{ host, proof: null, hash: HASH, configuration: null, earlier, agent: ['false', 'false'] },
    confirm: { by: 'local', within: 10_000, also: [], inbound: null, waves: null },
    witnesses: async () => [],
    wave: null,
    wayBack: () => assert.fail(),
  });
}

const change = async ([resource]: readonly Resource[]) => [await resource!.apply((await resource!.inspect())[0]!)];

test('trial guard: a change whose time is over is not made again, also if its undo failed', async (t) => {
  const { host } = onTrial(t, { deadline: sinceBoot() - 1_000 });
  const { resource, applied } = drifting();
  const [outcome] = await guardOf(host).around([resource], change);
  assert.match(outcome!.reason!, /a trial of change 3f9c12ab is running, 0 s left/);
  assert.equal(applied(), 0);
});

test('trial guard: a daemon that holds a change on after it was put back does not make it again', async (t) => {
  const host = new Host({ root: scratch(t, {}) });
  const gateways = await gatewaysText();
  const body = 'change 3f9c12ab put back: all 2 witnesses are gone';
  writePutBack(host, { id: '3f9c12ab', hash: HASH, body, time: 0, gateways, told: true });
  const { resource, applied } = drifting();
  const [outcome] = await guardOf(host).around([resource], change);
  assert.match(
    outcome!.reason!,
    /nothing is changed, because change 3f9c12ab put back: .*; to make the change without/,
  );
  assert.equal(applied(), 0);
  assert.equal(existsSync(join(host.root, '/var/lib/holdfast/trial')), false);
});

test('trial guard: an earlier configuration counts as confirmed, and not if it was itself put back', async (t) => {
  const earlier = configurationText('b'.repeat(64), []);
  const host = new Host({ root: scratch(t, {}), live: true });
  await guardOf(host, earlier).around([drifting().resource], change);
  assert.equal(readTrial(host)!.hash, HASH);
  assert.equal(readConfirmed(host)?.hash, 'b'.repeat(64));
  const other = new Host({ root: scratch(t, {}), live: true });
  const body = 'change 00000000 put back: all 2 witnesses are gone';
  writePutBack(other, { id: '00000000', hash: 'b'.repeat(64), body, time: 0, gateways: '', told: true });
  await guardOf(other, earlier).around([drifting().resource], change);
  assert.equal(readTrial(other)!.hash, HASH);
  assert.equal(readConfirmed(other), null);
});

test('trial guard: a change that fails in its middle stays on trial, and one that changed nothing does not', async (t) => {
  for (const isTouched of [true, false]) {
    const host = new Host({ root: scratch(t, {}), live: true });
    const { resource } = drifting();
    let actual = 'via A';
    const inspect = async () => [{ ...(await resource.inspect())[0]!, actual }];
    const failing = async () => {
      if (isTouched) actual = '(empty)';
      const [{ resource: name, key, moment }] = (await resource.inspect()) as [Finding];
      return [{ resource: name, key, moment, result: 'failed', actual: null, reason: 'no space' } as const];
    };
    await guardOf(host).around([{ ...resource, inspect }], failing);
    assert.equal(readTrial(host) !== null, isTouched);
  }
});

test('trial end: a change of which a part failed stays, and stops its rollout', async (t) => {
  for (const isFailed of [true, false]) {
    const host = new Host({ root: scratch(t, {}), live: true });
    const { resource } = drifting();
    const partly = async () => {
      const outcome = await resource.apply((await resource.inspect())[0]!);
      return isFailed
        ? [outcome, { ...outcome, key: '10.0.0.0/8', result: 'failed', reason: 'no link' } as const]
        : [outcome];
    };
    await guardOf(host).around([resource], partly);
    const trial = readTrial(host)!;
    const reply = { go: true, why: '', again: 5_000, rollout: 'r', counts: null };
    noteWave(host, { change: trial.id, hash: HASH }, reply);
    writeTried(host, configurationText(HASH, []));
    keepChange(host, trial, { reason: null, unseen: [] });
    assert.equal(readConfirmed(host)?.hash, HASH, 'what was made is held on');
    assert.equal(waveStanding(host, HASH)?.standing, isFailed ? 'put-back' : 'confirmed');
  }
});

test('trial guard: a change is tried again after a while if it was put back because this host was starved', async (t) => {
  const { host, trial } = onTrial(t, { gateways: await gatewaysText() });
  await putBackChange(host, trial, { why: 'this host was starved', blames: false }, () => assert.fail());
  const change = readPutBack(host)!;
  assert.ok(change.until! > Date.now() && change.until! < Date.now() + 3_600_000);
  assert.notEqual(await standingPutBack(host, HASH), null, 'not at once');
  writePutBack(host, { ...change, until: Date.now() - 1 });
  assert.equal(await standingPutBack(host, HASH), null);
});

test('trial record: a folder /run/holdfast that was emptied is no boot while the process of the trial lives', (t) => {
  const { host, trial } = onTrial(t);
  assert.equal(isOfEarlierBoot(host, trial), false);
  host.remove(BOOT_MARK);
  assert.equal(isOfEarlierBoot(host, trial), false);
  assert.equal(isOfEarlierBoot(host, { ...trial, birth: 'another' }), true);
  assert.equal(isOfEarlierBoot(host, { ...trial, begun: sinceBoot() + 60_000 }), true, 'the boot clock went back');
});
