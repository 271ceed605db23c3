/** A change that is kept stays provisional until a lease event and a boot were seen with its witnesses answering. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { confirmUnchanged } from '../../../agent/commands/context/held-instead.ts';
import { laterLoss, type WitnessAnswer } from '../../../agent/confirm/judgement.ts';
import {
  configurationText,
  readConfirmed,
  writeConfirmed,
  writeTried,
} from '../../../agent/confirm/trial/confirmed-configuration.ts';
import { keepChange, putBackChange, trialJournal } from '../../../agent/confirm/trial/end-trial.ts';
import { dueMoment } from '../../../agent/confirm/trial/later-moments.ts';
import { noteProvisional, type ProvisionalChange, readProvisional } from '../../../agent/confirm/trial/provisional.ts';
import { readUndo } from '../../../agent/confirm/trial/provisional-undo.ts';
import { readPutBack } from '../../../agent/confirm/trial/put-back-memory.ts';
import { TrialGuard } from '../../../agent/confirm/trial/trial-guard.ts';
import { readTrial, type TrialRecord } from '../../../agent/confirm/trial/trial-record.ts';
import type { ConfirmWitness } from '../../../agent/confirm/witnesses/confirm-witness.ts';
import { Host } from '../../../agent/host/host.ts';
import { CONFIRMED } from '../../../agent/host/paths.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { WAY_BACK } from '../../../agent/resources/leftovers.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

const HASH = 'a'.repeat(64);
const EARLIER = 'e'.repeat(64);
const FILE = '/etc/held.conf';
const ID = '3f9c12ab';

function answer(way: string | null, answered: boolean): WitnessAnswer {
  const places = [{ address: '10.0.0.1', way }];
  return { witness: 'far', kind: 'tcp', answered, reached: answered, places, why: answered ? null : 'no answer' };
}

const BEFORE = answer('via 127.0.0.2 dev lo src 127.0.0.1', true);
const ELSEWHERE = answer('via 127.0.0.9 dev lo src 127.0.0.1', false);
const SAME_WAY = { ...BEFORE, answered: false, reached: false, why: 'no answer' };

/** A change of one file that was just made, and that its witness has seen. */
function changed(t: TestContext): { host: Host; trial: TrialRecord } {
  const host = new Host({ root: scratch(t, { 'etc/held.conf': 'before\n' }), live: true });
  writeConfirmed(host, configurationText(EARLIER, []));
  const trial = writtenTrial(host, { hash: HASH, before: [BEFORE] });
  writeTried(host, configurationText(HASH, []));
  trialJournal(host, async () => WAY_BACK).note(FILE, 'after\n');
  host.replace(FILE, 'after\n');
  return { host, trial };
}

/** The same, confirmed. `more`: the record as it is read later. */
function kept(t: TestContext, more: Partial<ProvisionalChange> = {}): Host {
  const { host, trial } = changed(t);
  keepChange(host, trial, { reason: null, unseen: ['lease', 'boot'] });
  noteProvisional(host, { ...readProvisional(host)!, ...more });
  return host;
}

/** The change was just made, in another boot. */
const BOOTED = { boot: 'another', init: 'another' } as const;

function guardOf(host: Host, now: WitnessAnswer, hash = HASH): TrialGuard {
  const witness: ConfirmWitness = { name: 'far', kind: 'tcp', ask: async () => now };
  return new TrialGuard({
    ...{ host, proof: null, hash, configuration: null, earlier: null, agent: ['false', 'false'] },
    confirm: { by: 'local', within: 1_500, also: [], inbound: null, waves: null },
    wave: null,
    witnesses: async () => [witness],
    wayBack: async () => WAY_BACK,
  });
}

const proven = (host: Host, now: WitnessAnswer, hash?: string) =>
  guardOf(host, now, hash).proveAgain(new AbortController().signal);

test('later moments: a confirmed change keeps what puts it back, and its configuration is applied at boot', (t) => {
  const host = kept(t);
  assert.deepEqual(readProvisional(host)!.unseen, ['lease', 'boot']);
  assert.equal(readTrial(host), null);
  assert.equal(readConfirmed(host)!.hash, HASH);
  assert.equal(readUndo(host)!.earlier, configurationText(EARLIER, []));
});

test('later moments: the configuration of a change that is not proved is not that of the next boot, until it is', async (t) => {
  const { host, trial } = changed(t);
  keepChange(host, trial, { reason: 'the collector is lost', unseen: ['boot'] });
  assert.equal(readConfirmed(host)!.hash, EARLIER);
  const verdict = await proven(host, BEFORE);
  assert.match(verdict!.body, /^change 3f9c12ab confirmed: as before the change, these answer: far/);
  assert.equal(readConfirmed(host)!.hash, HASH);
  assert.equal(readProvisional(host)!.reason, null);
});

test('later moments: after a boot with the earlier configuration, the untried one is not taken for proved', async (t) => {
  const { host, trial } = changed(t);
  keepChange(host, trial, { reason: 'the collector is lost', unseen: ['boot'] });
  noteProvisional(host, { ...readProvisional(host)!, ...BOOTED });
  assert.equal(await proven(host, BEFORE), null);
  assert.equal(readConfirmed(host)!.hash, EARLIER);
});

test('later moments: an undo after a kill in the middle of the confirmation restores the earlier configuration', async (t) => {
  const { host, trial } = changed(t);
  keepChange(host, trial, { reason: null, unseen: ['boot'] });
  // The record of the trial is removed last.
  writtenTrial(host, trial);
  await putBackChange(host, trial, { why: 'by hand', blames: true }, async () => WAY_BACK);
  assert.equal(readConfirmed(host)!.hash, EARLIER);
  assert.equal(readProvisional(host), null);
});

test('later moments: an operator who confirms ends all of it, and a healed drift begins nothing', (t) => {
  const { host, trial } = changed(t);
  keepChange(host, trial, { reason: null, unseen: [] });
  assert.equal(readProvisional(host), null);
  assert.equal(readUndo(host), null);
  keepChange(host, writtenTrial(host, trial), { reason: null, unseen: ['lease', 'boot'] });
  assert.equal(readProvisional(host), null, 'this configuration was confirmed before');
});

test('later moments: a heal of a confirmed configuration that is put back may be tried again', async (t) => {
  const { host, trial } = changed(t);
  writeConfirmed(host, configurationText(HASH, []));
  await putBackChange(host, trial, { why: 'all 2 witnesses are gone', blames: true }, async () => WAY_BACK);
  assert.ok(readPutBack(host)!.until! > Date.now());
  assert.equal(readConfirmed(host)!.hash, HASH);
  const { host: other, trial: first } = changed(t);
  await putBackChange(other, first, { why: 'all 2 witnesses are gone', blames: true }, async () => WAY_BACK);
  assert.equal(readPutBack(other)!.until, undefined);
});

test('later moments: a heal that is put back leaves the change confirmed that it made again', async (t) => {
  const host = kept(t);
  const change = readProvisional(host)!;
  // The same drift has the same id.
  const heal = writtenTrial(host, { hash: HASH, before: [BEFORE], begun: sinceBoot() + 1 });
  assert.equal(heal.id, change.id);
  await putBackChange(host, heal, { why: 'all 2 witnesses are gone', blames: true }, async () => WAY_BACK);
  assert.equal(readConfirmed(host)!.hash, HASH);
  assert.deepEqual(readProvisional(host), change);
  assert.equal(readUndo(host)!.earlier, configurationText(EARLIER, []));
});

test('later moments: a boot is seen by the mark of the boot, and an emptied /run/holdfast is none', async (t) => {
  const host = kept(t);
  const change = readProvisional(host)!;
  const due = (more: Partial<ProvisionalChange>) => dueMoment(host, { ...change, unseen: ['boot'], ...more });
  assert.equal(await due({}), null);
  assert.equal(await due({ boot: 'another' }), null);
  assert.equal(await due(BOOTED), 'boot', 'of a container');
  assert.equal(await due({ boot: 'another', time: 0 }), 'boot');
  assert.equal(await due({ ...BOOTED, unseen: [] }), null);
});

test('later moments: a boot after which the witnesses answer is seen', async (t) => {
  const host = kept(t, BOOTED);
  assert.match((await proven(host, BEFORE))!.body, /^change 3f9c12ab confirmed: after a boot: as before the change/);
  assert.deepEqual(readProvisional(host)!.unseen, ['lease']);
  assert.equal(await proven(host, BEFORE), null, 'no DHCP client has a lease');
});

test('later moments: a change that leads all witnesses astray after a boot is put back', async (t) => {
  const host = kept(t, BOOTED);
  const verdict = await proven(host, ELSEWHERE);
  assert.equal(verdict!.kind, 'put-back');
  assert.match(verdict!.body, /^change 3f9c12ab put back: after a boot far is lost \(no answer\), and the way to 10/);
  assert.equal(host.readText(FILE), 'before\n');
  assert.equal(readConfirmed(host)!.hash, EARLIER);
  assert.equal(readPutBack(host)!.hash, HASH);
  assert.equal(readProvisional(host), null);
});

test('later moments: a change that touched no route is not put back, whatever way the witnesses have', async (t) => {
  const { host, trial } = changed(t);
  keepChange(host, { ...trial, resources: ['hooks', 'resolver'] }, { reason: null, unseen: ['boot'] });
  noteProvisional(host, { ...readProvisional(host)!, ...BOOTED });
  const verdict = await proven(host, ELSEWHERE);
  assert.match(verdict!.body, /stays for now: .*; nothing that was changed explains it/);
  assert.equal(host.readText(FILE), 'after\n');
});

test('later moments: an outage after a boot puts nothing back, and is told once', async (t) => {
  const host = kept(t, BOOTED);
  const verdict = await proven(host, SAME_WAY);
  assert.equal(verdict!.kind, 'provisional');
  assert.match(
    verdict!.body,
    /stays for now: after a boot far is lost \(no answer\); nothing that was changed explains it/,
  );
  assert.equal(host.readText(FILE), 'after\n');
  assert.equal(await proven(host, SAME_WAY), null);
  assert.equal((await proven(host, BEFORE))!.kind, 'confirmed');
  assert.deepEqual(readProvisional(host)!.unseen, ['lease', 'boot'], 'the boot is looked at next');
});

test('later moments: nothing is put back at a boot without an earlier configuration, or after a month', async (t) => {
  const { host, trial } = changed(t);
  host.remove(CONFIRMED);
  keepChange(host, trial, { reason: null, unseen: ['boot'] });
  noteProvisional(host, { ...readProvisional(host)!, ...BOOTED });
  assert.equal((await proven(host, ELSEWHERE))!.kind, 'provisional');
  const old = kept(t, { ...BOOTED, time: Date.now() - 31 * 86_400_000 });
  assert.match((await proven(old, ELSEWHERE))!.body, /the state before it is no longer kept/);
});

test('later moments: another configuration that changes nothing goes on with the change, and any other ends the look', async (t) => {
  const host = kept(t, BOOTED);
  assert.equal(await proven(host, ELSEWHERE, EARLIER), null);
  confirmUnchanged(host, 'b'.repeat(64), []);
  assert.equal(readProvisional(host)!.id, ID);
  assert.equal((await proven(host, ELSEWHERE, 'b'.repeat(64)))!.kind, 'put-back');
});

test('later moments: a loss is explained only by another way of each witness, on a host whose links are up', () => {
  const own = new Set(['127.0.0.1']);
  assert.match(laterLoss([BEFORE], [ELSEWHERE], own)!, /the way to 10.0.0.1 is now via 127.0.0.9/);
  assert.equal(laterLoss([BEFORE], [SAME_WAY], own), null, 'the network is down');
  assert.equal(laterLoss([BEFORE], [ELSEWHERE], new Set()), null, 'the link has no carrier, or another address');
  assert.equal(laterLoss([BEFORE], [{ ...ELSEWHERE, reached: true }], own), null, 'the path works');
  assert.equal(laterLoss([BEFORE], [{ ...ELSEWHERE, places: [] }], own), null, 'its name is not found');
  const nowhere = answer(null, false);
  assert.equal(laterLoss([BEFORE], [nowhere], own), null, 'the routes may not be there yet');
  const gateway = { ...answer('dev eth0', true), witness: 'gateway', kind: 'gateway' } as const;
  const silent = { ...gateway, answered: false, reached: false, why: 'none' };
  const other = { ...silent, places: [{ address: '10.0.0.9', way: 'dev eth0' }] };
  assert.match(
    laterLoss([gateway, BEFORE], [other, ELSEWHERE], own)!,
    /gateway is lost .* now 10.0.0.9, .*; far is lost/,
  );
  assert.equal(laterLoss([gateway, BEFORE], [other, SAME_WAY], own), null, 'the change explains only one');
  assert.equal(laterLoss([gateway, BEFORE], [{ ...silent, places: [] }, ELSEWHERE], own), null, 'no gateway yet');
  assert.equal(laterLoss([gateway], [other], own), null, 'its way says nothing of a carrier');
  const server = { ...answer('dev eth0', true), witness: 'server', kind: 'nameserver' } as const;
  const moved = { ...server, ...answer('dev eth1', false), witness: 'server' };
  assert.equal(laterLoss([server, BEFORE], [moved, ELSEWHERE], own), null, 'no address of the host is known for it');
  assert.equal(laterLoss([], [], own), null);
});
