/** Which configuration is held in place of the one on disk while that one waits for its wave. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { heldInstead } from '../../../../agent/commands/context/held-instead.ts';
import { loadConfig } from '../../../../agent/config/load.ts';
import { configurationText, writeConfirmed } from '../../../../agent/confirm/trial/confirmed-configuration.ts';
import { noteProvisional } from '../../../../agent/confirm/trial/provisional.ts';
import { noteWave } from '../../../../agent/confirm/trial/wave-record.ts';
import { markBoot } from '../../../../agent/host/boot-mark.ts';
import { Host } from '../../../../agent/host/host.ts';
import { CONFIRMED, IN_FORCE, RUN_FOLDER } from '../../../../agent/host/paths.ts';
import { scratch } from '../../../parts/scratch.ts';

const HASH = 'a'.repeat(64);
const AT_BOOT = { hash: HASH, file: '/etc/holdfast/agent.yaml', untried: false, waits: 'boot' } as const;
const WAIT = { go: false, why: 'wave 1 of 4', again: 5_000, rollout: null, counts: null };

/** A host whose configuration on disk waits for its wave. */
function waiting(t: TestContext, held: string | null = null): Host {
  const host = new Host({ root: scratch(t, {}), live: true });
  host.makeFolder(RUN_FOLDER, 0o755);
  if (held !== null) host.replaceOwn(IN_FORCE, `${held}\n`, 0o644);
  noteWave(host, { change: '3f9c12ab', hash: HASH }, WAIT);
  return host;
}

test('held instead: at boot nothing is held of a first configuration that waits for its wave', async (t) => {
  const held = await heldInstead(waiting(t), AT_BOOT);
  assert.equal(held?.loaded, null);
  assert.equal(held?.waits?.change, '3f9c12ab');
});

test('held instead: a first configuration about which this host never asked is held', async (t) => {
  assert.equal(await heldInstead(new Host({ root: scratch(t, {}), live: true }), AT_BOOT), null);
  assert.equal(await heldInstead(waiting(t), { ...AT_BOOT, hash: 'b'.repeat(64) }), null, 'another one waits');
});

test('held instead: a daemon holds the confirmed configuration while another one waits for its wave', async (t) => {
  const file = '/etc/holdfast/agent.yaml';
  const text = 'sysctl: { net.ipv4.ip_forward: 1 }\n';
  const files = new Host({ root: scratch(t, { 'etc/holdfast/agent.yaml': text }) });
  const earlier = await loadConfig({ files, file, asRoot: false });
  assert.ok(earlier.ok);
  const confirmed = configurationText(earlier.hash, earlier.sources);
  const daemon = { hash: HASH, file, untried: false, waits: 'daemon' } as const;
  for (const held of [null, earlier.hash]) {
    const host = waiting(t, held);
    writeConfirmed(host, confirmed);
    assert.equal((await heldInstead(host, daemon))?.loaded?.hash, earlier.hash);
    // The daemon took the new configuration until it knew that this one waits.
    host.replaceOwn(IN_FORCE, `${HASH}\n`, 0o644);
    noteWave(host, { change: '3f9c12ab', hash: HASH }, WAIT);
    assert.equal((await heldInstead(host, daemon))?.loaded?.hash, earlier.hash, 'after the next question');
    host.remove(CONFIRMED);
    assert.equal(await heldInstead(host, daemon), null, 'nothing was ever confirmed');
  }
  const booted = waiting(t);
  writeConfirmed(booted, confirmed);
  const change = { id: '3f9c12ab', hash: HASH, reason: 'no collector', by: 'local', before: [], unseen: [] } as const;
  noteProvisional(booted, { ...change, time: Date.now(), boot: markBoot(booted), init: null });
  assert.equal(await heldInstead(booted, daemon), null, 'the change is in force');
  noteProvisional(booted, { ...change, time: Date.now(), boot: 'another', init: null });
  const after = await heldInstead(booted, daemon);
  assert.equal(after?.loaded?.hash, earlier.hash, 'a boot applied the confirmed one in its place');
  const host = waiting(t, 'd'.repeat(64));
  writeConfirmed(host, confirmed);
  assert.equal(await heldInstead(host, daemon), null, 'another one than the confirmed one was held');
});
