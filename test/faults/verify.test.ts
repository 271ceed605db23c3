/** A change of DNS that is to be proved is killed at every system call by which something changes: all old or all new. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { missing } from '../parts/scratch.ts';
import { forEachCall, KILLED, kill, type Look, skip as noScene, Scene } from './scene.ts';
import { FILES, SERVERS } from './verify-scene.ts';

const skip = noScene || missing('dnsmasq', 'ip');

/** The calls between which the host's state changes. */
const CHANGING = ['write', 'rename', 'unlink'];

async function reference(t: TestContext): Promise<{ before: Look; wanted: Look }> {
  const scene = await new Scene(t, `${SERVERS} look before; agent apply apply; look wanted`, FILES).run();
  assert.equal(scene.status('apply'), 0, scene.output('apply'));
  assert.match(scene.output('apply'), /^DNS is proved: its name server answers for puppet\.example\.com$/m);
  const [before, wanted] = [scene.look('before'), scene.look('wanted')];
  assert.notDeepEqual(wanted.files, before.files);
  return { before, wanted };
}

/** Killed at each of these calls, then `steps`. */
function eachKill(
  t: TestContext,
  calls: readonly string[],
  steps: string,
  judge: (scene: Scene, what: string) => void,
) {
  return forEachCall(calls, async (call, n) => {
    const killed = `${SERVERS} inject='${kill(call, n)}'; agent killed apply; inject=`;
    const scene = await new Scene(t, `${killed}; ${steps}`, FILES).run();
    if (scene.status('killed') === 0) return 'missed';
    assert.equal(scene.status('killed'), KILLED, scene.output('killed'));
    judge(scene, `killed at ${call} ${n}: ${scene.output('next')}`);
    return 'hit';
  });
}

test('dns.verify: with its servers dead the next apply puts all back that was not proved; with them all is new; revert', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const seen = { old: 0, new: 0 };
  const steps =
    'silence; agent next apply; look next; serve; agent later apply; look later; agent revert revert; look revert';
  const hits = await eachKill(t, CHANGING, steps, (scene, what) => {
    const isNew = scene.status('next') === 0;
    assert.deepEqual(scene.look('next').files, (isNew ? wanted : before).files, what);
    assert.equal(scene.status('next'), isNew ? 0 : 4, what);
    if (!isNew) assert.match(scene.output('next'), /127\.0\.0\.21: no answer by UDP/, what);
    seen[isNew ? 'new' : 'old'] += 1;
    assert.equal(scene.status('later'), 0, `${what}, then ${scene.output('later')}`);
    assert.deepEqual(scene.look('later'), wanted, what);
    assert.equal(scene.status('revert'), 0, `${what}, then ${scene.output('revert')}`);
    assert.deepEqual(scene.look('revert'), before, what);
  });
  t.diagnostic(`killed at each of ${hits} system calls: ${seen.old} times all was old, ${seen.new} times all was new`);
  assert.ok(seen.old > 20 && seen.new > 0, JSON.stringify(seen));
});

test('dns.verify: with its servers alive the next apply makes all new at once', { skip }, async (t) => {
  const { wanted } = await reference(t);
  const hits = await eachKill(t, ['rename'], 'agent next apply; look next', (scene, what) => {
    assert.equal(scene.status('next'), 0, what);
    assert.deepEqual(scene.look('next'), wanted, what);
  });
  assert.ok(hits > 8, `only ${hits} system calls were hit`);
});

test('dns.verify: the journal is on disk before each artifact that it describes', {
  skip,
}, async (t) => {
  const strace = 'strace -qq -y -o trace -e trace=fsync,rename,unlink';
  const scene = await new Scene(t, `${SERVERS} inject='${strace}'; agent apply apply`, FILES).run();
  assert.equal(scene.status('apply'), 0, scene.output('apply'));
  const calls = readFileSync(join(scene.folder, 'trace'), 'utf8').split('\n');
  const artifacts = calls.flatMap((call, at) => (/^rename\("\/etc\/.*\.holdfast"/.test(call) ? [at] : []));
  // Those of dhcpcd and NetworkManager are among them where these are installed.
  assert.ok(artifacts.length >= 4, calls.join('\n'));
  for (const at of artifacts) {
    const written = calls.findLastIndex(
      (call, n) => n < at && /^rename\(.*"\/var\/lib\/holdfast\/dns-change"\)/.test(call),
    );
    assert.ok(written > 0, calls.join('\n'));
    assert.match(calls[written - 1]!, /^fsync\(\d+<.*\/\.dns-change\.holdfast>\) += 0/);
    assert.match(calls[written + 1]!, /^fsync\(\d+<\/var\/lib\/holdfast>\) += 0/);
  }
  const last = calls.findLastIndex((call) => /^rename\("\/etc\//.test(call));
  const closed = calls.findIndex((call) => /^unlink\("\/var\/lib\/holdfast\/dns-change"\) += 0/.test(call));
  assert.ok(closed > last, 'it is taken away when all is done');
});
