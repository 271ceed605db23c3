/** Programs that cannot start are results, and no exceptions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBeside } from '../../../../agent/host/process/run-program.ts';

test('run: a program whose start Node refuses by an exception gives its error as a result', async () => {
  // Node throws ENOTDIR, as it throws the EPERM of a sandbox.
  const { status, error } = await runBeside('/dev/null/ping', []);
  assert.equal(status, null);
  assert.match(error ?? '', /ENOTDIR/);
});
