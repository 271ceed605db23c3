/** `apply` is killed at every system call that writes, renames or syncs, as by kill -9 or a power cut of the process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOneOf, reference } from './looks.ts';
import { CONFIGURATION, ETC, forEachCall, KILLED, kill, Scene, STEP, skip, WRITING } from './scene.ts';

/** The calls between which the host's state changes. */
const CHANGING = ['write', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat'];

test('killed apply: at any system call, every file is old or new, the next apply converges, and revert puts all back', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const hits = await forEachCall(WRITING, async (call, n) => {
    const scene = await new Scene(
      t,
      `inject='${kill(call, n)}'; agent killed apply; inject=; look killed
       agent next apply; look next
       agent revert revert; look revert`,
    ).run();
    const what = `killed at ${call} ${n}`;
    if (scene.status('killed') === 0) return 'missed';
    assert.equal(scene.status('killed'), KILLED, `${what}: ${scene.output('killed')}`);
    assertOneOf(scene.look('killed'), [before, wanted], what);
    assert.equal(scene.status('next'), 0, `${what}: ${scene.output('next')}`);
    assert.deepEqual(scene.look('next'), wanted, what);
    assert.equal(scene.status('revert'), 0, `${what}: ${scene.output('revert')}`);
    assert.deepEqual(scene.look('revert'), before, what);
    return 'hit';
  });
  t.diagnostic(`killed at each of ${hits} system calls`);
  assert.ok(hits > 50, `only ${hits} system calls were hit`);
});

test('killed apply: between two configurations, revert still knows which changes are ours', {
  skip,
}, async (t) => {
  const { before, wanted } = await reference(t);
  const other = CONFIGURATION.replace('56.78, 10.34.56.79', '56.90')
    .replace('rotate', 'ndots:2')
    .replace('forward: 1', 'forward: 0');
  const etc = { ...ETC, 'other.yaml': other };
  const steps = 'agent first apply; mv /etc/other.yaml /etc/holdfast/agent.yaml';
  const second = (await new Scene(t, `${steps}; agent second apply; look second`, etc).run()).look('second');
  assert.notDeepEqual(second, wanted);
  const hits = await forEachCall(
    CHANGING,
    async (call, n) => {
      const scene = await new Scene(
        t,
        `${steps}; inject='${kill(call, n)}'; agent killed apply; inject=; look killed; agent revert revert; look revert`,
        etc,
      ).run();
      const what = `killed at ${call} ${n}`;
      if (scene.status('killed') === 0) return 'missed';
      assertOneOf(scene.look('killed'), [wanted, second], what);
      assert.equal(scene.status('revert'), 0, `${what}: ${scene.output('revert')}`);
      assert.deepEqual({ ...scene.look('revert'), temporaries: [] }, before, what);
      return 'hit';
    },
    STEP,
  );
  t.diagnostic(`killed at ${hits} system calls`);
  assert.ok(hits > 50 / STEP, `only ${hits} system calls were hit`);
});

test('killed revert: after a kill at any system call, the next revert puts all back', { skip }, async (t) => {
  const { before, wanted } = await reference(t);
  const hits = await forEachCall(WRITING, async (call, n) => {
    const scene = await new Scene(
      t,
      `agent apply apply; inject='${kill(call, n)}'; agent killed revert; inject=; look killed; agent revert revert; look revert`,
    ).run();
    const what = `killed at ${call} ${n}`;
    if (scene.status('killed') === 0) return 'missed';
    assertOneOf(scene.look('killed'), [before, wanted], what);
    assert.equal(scene.status('revert'), 0, `${what}: ${scene.output('revert')}`);
    assert.deepEqual(scene.look('revert'), before, what);
    return 'hit';
  });
  t.diagnostic(`killed at each of ${hits} system calls`);
  assert.ok(hits > 20, `only ${hits} system calls were hit`);
});
