/** Memory errors that the kernel really reports, and lines put into its log. Others may write there at the same time. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Host } from '../../agent/host/host.ts';
import { MemoryErrorRecord } from '../../probes/memory-errors/counts-record.ts';
import { kernelMemoryErrors } from '../../probes/memory-errors/kernel.ts';
import type { Occurrence, Probe } from '../../probes/probe.ts';
import { noNamespaces, privately, scratch } from '../parts/scratch.ts';

const skip = noNamespaces('ip');

/** Events whose text has the mark, as cause and source. */
async function events(probe: Probe, mark: string): Promise<string[]> {
  const readings = await probe.read(AbortSignal.timeout(60_000));
  probe.handedOn?.();
  return readings
    .filter((reading): reading is Occurrence => reading.kind === 'event')
    .filter(({ attributes }) => String(attributes.text).includes(mark))
    .map(({ attributes }) => `${attributes.cause} ${attributes.source}`);
}

const LINES = {
  'route-cache-full': 'Route cache is full: consider increasing sysctl net.ipv[4|6].route.max_size.',
  'neighbour-overflow': 'neighbour: ndisc_cache: neighbor table overflow!',
  'out-of-memory': 'Out of memory: Killed process 812 (bgpd) total-vm:1048576kB',
  'cgroup-out-of-memory': 'Memory cgroup out of memory: Killed process 812 (bgpd) total-vm:1048576kB',
  'page-allocation-failure': 'zebra: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL)',
  'conntrack-full': 'nf_conntrack: nf_conntrack: table full, dropping packet',
};

test('memory errors: each injected line counts once, at its cause, also across a restart', { skip }, async (t) => {
  const mark = `holdfast-test-${process.pid}-a`;
  const inject = () => {
    for (const line of Object.values(LINES)) writeFileSync('/dev/kmsg', `<4>${line} ${mark}\n`);
    writeFileSync('/dev/kmsg', `<4>of no cause ${mark}\n`);
  };
  const wanted = Object.keys(LINES).map((cause) => `${cause} kmsg`);
  const host = new Host({ root: scratch(t) });

  inject();
  const first = kernelMemoryErrors(host, new MemoryErrorRecord(), { history: false });
  assert.deepEqual(await events(first, mark), [], 'what was there before the first start');
  inject();
  assert.deepEqual(await events(first, mark), wanted);
  assert.deepEqual(await events(first, mark), []);
  await first.close?.();

  inject();
  const second = kernelMemoryErrors(host, new MemoryErrorRecord(), { history: false });
  assert.deepEqual(await events(second, mark), wanted);
  assert.deepEqual(await events(second, mark), []);
  await second.close?.();

  const all = kernelMemoryErrors(host, new MemoryErrorRecord(), { history: true });
  const seen = await events(all, mark);
  assert.deepEqual([...new Set(seen)], wanted);
  await all.close?.();
});

/** All namespaces of the machine share the table. */
const large = () => Number(readFileSync('/proc/sys/net/ipv4/neigh/default/gc_thresh3', 'utf8')) > 4_000;

test('memory errors: a neighbour table that really overflows is reported', {
  skip: skip || (large() ? 'gc_thresh3 is too large here' : false),
}, async (t) => {
  const probe = kernelMemoryErrors(new Host({ root: scratch(t) }), new MemoryErrorRecord(), { history: false });
  t.after(() => probe.close?.());
  await probe.read(AbortSignal.timeout(60_000));
  const overflow = privately(`
    ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up
    for c in $(seq 0 15); do for d in $(seq 1 254); do
      echo "neigh add 10.9.$c.$d lladdr 02:00:00:00:00:01 nud stale dev v0"
    done; done | ip -batch - 2>&1 | tail -1`);
  assert.match(overflow.stdout, /table overflow|No buffer space/i, overflow.stderr);
  const causes = [];
  for (let n = 0; n < 100 && causes.length === 0; n += 1) {
    causes.push(...(await events(probe, 'table overflow')));
    await sleep(20);
  }
  assert.ok(causes.includes('neighbour-overflow kernel'), causes.join());
});
