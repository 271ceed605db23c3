/** A trial, and its undo, are killed at every system call that writes, renames or syncs: the undo puts everything back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOneOf, reference } from './looks.ts';
import { CONFIGURATION, ETC, forEachCall, KILLED, kill, Scene, STEP, skip, WRITING } from './scene.ts';

const PORT = 7022;

const TRIED = {
  ...ETC,
  'holdfast/agent.yaml': `${CONFIGURATION}confirm: { by: local, within: 1h, also: [{ tcp: "127.0.0.1:${PORT}" }] }\n`,
};

/** A witness that accepts one connection, and is gone then. */
const ONCE = `ip link set lo up
perl -MIO::Socket::INET -e '
  my $door = IO::Socket::INET->new(LocalAddr => "127.0.0.1:${PORT}", Listen => 1, ReuseAddr => 1) or die;
  $door->accept' &
until ss -Hltn | grep -q :${PORT}; do sleep 0.05; done`;

test('killed trial: at any system call, the undo puts all back, or the trial was over', { skip }, async (t) => {
  const { before, wanted } = await reference(t);
  const hits = await forEachCall(
    WRITING,
    async (call, n) => {
      const scene = await new Scene(
        t,
        `inject='${kill(call, n)}'; agent killed apply; inject=
       agent undo revert --trial; look undo; ls /var/lib/holdfast >left
       agent decreed apply --no-confirm; look decreed
       agent revert revert; look revert`,
        TRIED,
      ).run();
      const what = `killed at ${call} ${n}`;
      if (scene.status('killed') === 0) return 'missed';
      assertUndone(scene, what);
      const isOver = /No change is on trial/.test(scene.output('undo'));
      assertOneOf(scene.look('undo'), isOver ? [before, wanted] : [before], what);
      assert.equal(scene.status('decreed'), 0, `${what}: ${scene.output('decreed')}`);
      assert.deepEqual({ ...scene.look('decreed'), temporaries: [] }, wanted, what);
      assert.equal(scene.status('revert'), 0, `${what}: ${scene.output('revert')}`);
      assert.deepEqual({ ...scene.look('revert'), temporaries: [] }, before, what);
      return 'hit';
    },
    STEP,
  );
  t.diagnostic(`killed at ${hits} system calls`);
  assert.ok(hits > 50, `only ${hits} system calls were hit`);
});

test('killed undo: after a kill at any system call, the next undo puts all back', { skip }, async (t) => {
  const { before } = await reference(t);
  const hits = await forEachCall(
    WRITING,
    async (call, n) => {
      const scene = await new Scene(
        t,
        `${ONCE}
       ./agent apply >applied 2>&1 & tried=$!
       until grep -q 'is on trial' applied; do sleep 0.05; done
       kill -9 $tried
       inject='${kill(call, n)}'; agent killed revert --trial; inject=
       agent undo revert --trial; look undo; ls /var/lib/holdfast >left`,
        TRIED,
      ).run();
      const what = `killed at ${call} ${n}`;
      if (scene.status('killed') === 0) return 'missed';
      assertUndone(scene, what);
      assert.deepEqual({ ...scene.look('undo'), temporaries: [] }, before, what);
      return 'hit';
    },
    STEP,
  );
  t.diagnostic(`killed at ${hits} system calls`);
  assert.ok(hits > 20, `only ${hits} system calls were hit`);
});

/** The command `killed` was killed, and `undo` ended the trial. */
function assertUndone(scene: Scene, what: string): void {
  assert.equal(scene.status('killed'), KILLED, `${what}: ${scene.output('killed')}`);
  assert.equal(scene.status('undo'), 0, `${what}: ${scene.output('undo')}`);
  assert.doesNotMatch(scene.text('left'), /^trial$/m, what);
}
