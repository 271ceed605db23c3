/** A route that the kernel genuinely refuses for want of memory: a memory cgroup is filled with routes, and the canary tells. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Reading } from '../../probes/probe.ts';
import type { Outcome } from '../parts/lab/canary-memory-inside.ts';
import { noNamespaces } from '../parts/scratch.ts';

/** Milliseconds: it takes one second. */
const PATIENCE = 30_000;
/**
 * A page of memory that the thread touches just then may need a new page table, which is charged to the full cgroup, too: the
 * kernel then has the thread wait until there is room, which there never is.
 */
const TRIES = 5;
const own = ownCgroup();
const skip = noNamespaces('unshare', 'taskset') || (own === null && 'needs the memory controller as cgroup v1');

test('canary: where the memory cgroup is full of routes, the canary says which route is refused and why', {
  skip,
}, async () => {
  const { before, inside, outside } = await filledCgroup(join(own!, `holdfast-canary-${process.pid}`));

  assert.ok(inside.routes > 1_000, `${inside.routes} routes filled it`);
  const { ENOMEM, ENOBUFS } = constants.errno;
  assert.deepEqual(
    inside.refused.filter((errno) => errno !== ENOMEM && errno !== ENOBUFS),
    [],
  );

  const [success, condition] = ipv4(inside.readings);
  assert.deepEqual(success, canary(0));
  assert.ok(condition?.kind === 'condition', JSON.stringify(condition));
  const { code, severity, body, attributes } = condition;
  assert.deepEqual([code, severity], ['route-add-failed', 'error']);
  assert.match(String(attributes['error.type']), /^(ENOMEM|ENOBUFS)$/);
  assert.ok(
    body.startsWith(`No IPv4 route can be added (${attributes['error.type']}): kernel memory is used up`),
    body,
  );
  assert.match(body, /in the memory cgroup of this process.*MemoryMax=.*give the host or the unit more/);

  // It was the cgroup: who is not in it adds routes to the same tables, before and at the end.
  assert.deepEqual(ipv4(before), [canary(1)]);
  assert.deepEqual(ipv4(outside), [canary(1)]);
});

function canary(value: 0 | 1): Reading {
  return { kind: 'sample', metric: 'holdfast.canary.success', value, attributes: { 'network.type': 'ipv4' } };
}

/** IPv6 routes are added where the kernel may not wait: what it takes there, no limit of a cgroup refuses. */
function ipv4(readings: readonly Reading[]): Reading[] {
  return readings.filter(({ attributes }) => attributes['network.type'] === 'ipv4');
}

async function filledCgroup(cgroup: string): Promise<Outcome> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const outcome = await fillCgroup(cgroup);
    if (outcome !== null) return outcome;
  }
  assert.fail(`the thread in the cgroup was stuck in each of ${TRIES} tries`);
}

/** null: the thread in the cgroup got stuck, and was killed. */
async function fillCgroup(cgroup: string): Promise<Outcome | null> {
  const here = join(import.meta.dirname, '../parts/lab');
  const program = [process.execPath, join(here, 'canary-memory-inside.ts'), cgroup];
  // On one processor, since each has a stock of its own of what a cgroup was already charged for.
  const pinned = ['taskset', '-c', firstProcessor(), 'sh', join(here, 'canary-memory.sh'), cgroup, ...program];
  const child = spawn('unshare', ['--net', ...pinned], { stdio: 'pipe' });
  let stuck = false;
  const impatience = setTimeout(() => {
    stuck = true;
    child.stdin.end();
    // The main thread may wait for the stuck one.
    for (const thread of readFileSync(join(cgroup, 'tasks'), 'utf8').split('\n').filter(Boolean)) {
      process.kill(Number(thread), 'SIGKILL');
    }
  }, PATIENCE);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  clearTimeout(impatience);
  assert.equal(existsSync(cgroup), false, 'the cgroup is gone');
  if (stuck) return null;
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** The folder of the memory cgroup (v1) of this process. */
function ownCgroup(): string | null {
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const root = /^\S+ (\S+) cgroup \S*\bmemory\b/m.exec(mounts)?.[1];
  const path = /^\d+:(?:\w+,)*memory(?:,\w+)*:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (root === undefined || path === undefined) return null;
  const folder = join(root, path);
  return existsSync(join(folder, 'memory.oom_control')) ? folder : null;
}

function firstProcessor(): string {
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
}
