/** What the daemon's functions cost while nothing happens, and that a full routing table is still read at full speed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { REPOSITORY } from '../../../parts/repository.ts';

/**
 * `%GetOptimizationStatus` gives bits (Runtime::OptimizationStatus of V8): 32 for Maglev, 64 for TurboFan. `begin` is run
 * first; then a function is called until it is optimised, or 1,000,000 times.
 */
function becomesOptimised(begin: string): boolean {
  const script = `
    const { optimise, saveMemory } = await import('${REPOSITORY}/agent/host/service/v8.ts');
    const { DumpReader } = await import('${REPOSITORY}/agent/host/netlink/dump.ts');
    const { setImmediate: turn } = await import('node:timers/promises');
    const hot = (n) => { let sum = 0; for (let i = 0; i < 10; i += 1) sum += i * n; return sum; };
    ${begin}
    for (let n = 0; n < 1_000_000 && (%GetOptimizationStatus(hot) & 96) === 0; n += 1) {
      hot(n);
      if (n % 10_000 === 0) await turn(); // compiled beside this thread, taken in turn
    }
    console.log(%GetOptimizationStatus(hot) & 96);`;
  const flags = ['--allow-natives-syntax', '--input-type=module', '--disable-warning=ExperimentalWarning'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' });
  // V8 names on stderr a flag that it does not know, and goes on.
  assert.deepEqual([status, stderr], [0, '']);
  return stdout !== '0\n';
}

/** Reads a dump of this many objects: bare headers of netlink messages of type 24, sequence 1. */
const dump = (objects: number) => `
  const data = Buffer.alloc(16);
  data.writeUInt32LE(16, 0);
  data.writeUInt16LE(24, 4);
  data.writeUInt32LE(1, 8);
  const reader = new DumpReader(24, { take: () => false, result: () => null });
  for (let n = 0; n < ${objects}; n += 1) reader.take(data, 0, 16);`;

test('V8: a function that is called often is not compiled again once optimising is off', () => {
  assert.equal(becomesOptimised(''), true, 'as Node is');
  assert.equal(becomesOptimised('saveMemory();'), false);
  assert.equal(becomesOptimised('saveMemory(); optimise();'), true);
});

test('V8: a large dump switches optimising on again, and a small one does not', () => {
  assert.equal(becomesOptimised(`saveMemory(); ${dump(10_000)}`), false);
  assert.equal(becomesOptimised(`saveMemory(); ${dump(20_000)}`), true);
});
