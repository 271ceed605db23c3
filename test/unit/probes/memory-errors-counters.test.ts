/** The kernel's counters of memory errors; a counter that is missing is not 0. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { memoryCounters } from '../../../probes/memory-errors/counters.ts';
import { MemoryErrorRecord } from '../../../probes/memory-errors/counts-record.ts';
import type { Probe } from '../../../probes/probe.ts';
import { fill, scratch } from '../../parts/scratch.ts';

/** Recorded on a router with two memory controllers (Linux 6.1), shortened. */
const PROC = {
  'proc/vmstat': 'nr_free_pages 81230\nallocstall_dma 0\nallocstall_normal 12\noom_kill 3\nthp_split_page 0\n',
  'proc/pressure/memory':
    'some avg10=0.00 avg60=0.12 avg300=0.05 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000001\n',
  'proc/net/stat/arp_cache':
    'entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n' +
    '00000002 00000351 000002de 00000000   00003708 00002984 0000000a   00000000         00000000         00000186         00000000       00000000            0000000f\n' +
    '00000002 000002fc 0000036d 00000002   000032a1 00002585 00000006   00000000         00000000         00000000         00000000       00000000            00000001\n',
  'sys/devices/system/edac/mc/mc0/ce_count': '7\n',
  'sys/devices/system/edac/mc/mc0/ue_count': '0\n',
  'sys/devices/system/edac/mc/mc1/ce_count': '0\n',
  'sys/devices/system/edac/mc/mc1/ue_count': '1\n',
  'sys/devices/system/edac/mc/power/control': 'auto\n',
  'proc/812/comm': 'zebra\n',
  'proc/900/comm': 'bird\n',
};

const netlink = (drops: number) =>
  'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n' +
  '0000000026f6c40f 0   0          00000000 0        0        0     2        5        4\n' +
  '00000000b9527a42 0   812        00000000 0        0        0     2        0        7001\n' +
  `00000000b9527a43 0   3120123456 00000551 0        0        0     2        ${drops}        7002\n` +
  '000000009b6f5dac 0   900        00000440 0        0        0     2        0        7003\n' +
  '000000009b6f5dad 15  901        00000001 0        0        0     2        0        7004\n';

function router(t: TestContext, files: Record<string, string> = { ...PROC, 'proc/net/netlink': netlink(0) }) {
  const root = scratch(t, files);
  mkdirSync(join(root, 'proc/812/fd'), { recursive: true });
  symlinkSync('socket:[7002]', join(root, 'proc/812/fd/9'));
  return { root, probe: memoryCounters(new Host({ root }), new MemoryErrorRecord()) };
}

async function read(probe: Probe) {
  const readings = await probe.read(AbortSignal.timeout(60_000));
  const samples = readings.filter((reading) => reading.kind === 'sample');
  return {
    events: readings.filter((reading) => reading.kind === 'event'),
    values: samples.map(({ metric, attributes, value }) => `${metric} ${Object.values(attributes).join(' ')} ${value}`),
  };
}

test('memory errors: a recorded /proc and /sys', async (t) => {
  const { values, events } = await read(router(t).probe);
  assert.deepEqual(values, [
    'system.memory.oom_kills  3',
    'system.memory.allocation_stalls dma 0',
    'system.memory.allocation_stalls normal 12',
    'system.memory.pressure.time some 2.5',
    'system.memory.pressure.time full 1.000001',
    'system.network.neighbor.table_fulls ipv4 16',
    'system.memory.ecc.errors mc0 corrected 7',
    'system.memory.ecc.errors mc0 uncorrected 0',
    'system.memory.ecc.errors mc1 corrected 0',
    'system.memory.ecc.errors mc1 uncorrected 1',
    'holdfast.memory_errors netlink-overrun netlink 0',
    'system.network.netlink.drops zebra route 0',
    'system.network.netlink.drops bird route 0',
  ]);
  assert.deepEqual(events, []);
});

test('memory errors: a process that lost messages is named, and each loss is one event', async (t) => {
  const { root, probe } = router(t, { ...PROC, 'proc/net/netlink': netlink(2) });
  const first = await read(probe);
  assert.deepEqual(first.events, [], 'lost before the agent started');
  assert.ok(first.values.includes('system.network.netlink.drops zebra route 2'), first.values.join('\n'));
  fill(root, { 'proc/net/netlink': netlink(44) });
  const { events, values } = await read(probe);
  assert.deepEqual(
    events.map(({ attributes }) => attributes),
    [{ cause: 'netlink-overrun', source: 'netlink', text: 'zebra lost 42 messages (route)' }],
  );
  assert.ok(values.includes('holdfast.memory_errors netlink-overrun netlink 1'));
  assert.deepEqual((await read(probe)).events, []);
});

test('memory errors: what this kernel does not have is not 0', async (t) => {
  const { root, probe } = router(t, { 'proc/vmstat': 'allocstall 4\n' });
  assert.deepEqual((await read(probe)).values, ['system.memory.allocation_stalls all 4']);
  rmSync(join(root, 'proc'), { recursive: true });
  assert.deepEqual((await read(probe)).values, []);
});

test('memory errors: damaged files give nothing rather than something wrong', async (t) => {
  const { probe } = router(t, {
    'proc/vmstat': 'oom_kill -1\noom_kill x\nallocstall_ 3\n',
    'proc/pressure/memory': 'some total=\nfull\n',
    'proc/net/stat/arp_cache': 'entries table_fulls\n0000 zz\n',
    'proc/net/stat/ndisc_cache': 'entries\n0001\n',
    'proc/net/netlink': 'sk Eth\n1 2\n',
    'sys/devices/system/edac/mc/mc0/ce_count': 'many\n',
  });
  assert.deepEqual((await read(probe)).values, ['holdfast.memory_errors netlink-overrun netlink 0']);
});

test('memory errors: the running kernel', async () => {
  const { values } = await read(memoryCounters(new Host(), new MemoryErrorRecord()));
  assert.ok(
    values.some((line) => /^system\.network\.neighbor\.table_fulls ipv4 \d+$/.test(line)),
    values.join('\n'),
  );
});
