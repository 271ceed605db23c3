/** Routes that the kernel refused: from its own text to counters and events, whatever a process calls itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { knowsThreads, type RefusedRoute, refusedRoutes } from '../../../agent/host/trace/route-traces.ts';
import { parsePipe } from '../../../agent/host/trace/tracefs.ts';
import { MemoryErrorRecord } from '../../../probes/memory-errors/counts-record.ts';
import type { Occurrence, Reading, Sample } from '../../../probes/probe.ts';
import { routeFailuresProbe } from '../../../probes/route-failures-probe.ts';
import { Refusals } from '../../../probes/route-refusals.ts';

/** Read from trace_pipe of Linux 6.1. */
const PIPE = `            bird-812     [001] ..... 14167.466290: route6: (rtnetlink_rcv_msg+0x13c/0x3a0 <- inet6_rtm_newroute) ret=-12
CPU:0 [LOST 1203 EVENTS]
              ip-109     [000] ..... 14167.500000: route4: (rtnetlink_rcv_msg+0x13c/0x3a0 <- inet_rtm_newroute) ret=-105
`;
const MAX_SIZE = { sysctl: () => null, run: () => assert.fail('nothing is to be run') };
/** No process has this number: above the greatest that pid_max may be. */
const NOBODY = 5_000_000;

function refusals({ clock = (): number => 0, record = new MemoryErrorRecord().routeFailures } = {}) {
  return new Refusals(MAX_SIZE, record, clock);
}

function route(fields: Partial<RefusedRoute> = {}): RefusedRoute {
  return { thread: NOBODY, comm: 'bird', time: 1_000, kind: 'ipv4', error: 'ENOMEM', ...fields };
}

const events = (readings: readonly Reading[]) => readings.filter((one): one is Occurrence => one.kind === 'event');
const samples = (readings: readonly Reading[]) => readings.filter((one): one is Sample => one.kind === 'sample');
const counted = (readings: readonly Reading[]) =>
  samples(readings).filter(({ metric }) => metric === 'holdfast.route_failures');

test('the kernel’s text: process, family, error, time of day, and how many records it lost', () => {
  const { refused, lost } = refusedRoutes(parsePipe(PIPE, 1_000_000));
  assert.equal(lost, 1203);
  assert.deepEqual(refused, [
    { thread: 812, comm: 'bird', time: 1_000_000 + 14_167_466.29, kind: 'ipv6', error: 'ENOMEM' },
    { thread: 109, comm: 'ip', time: 1_000_000 + 14_167_500, kind: 'ipv4', error: 'ENOBUFS' },
  ]);
});

test('route failures: no name of a process passes for a record, for lost ones, or for another error', () => {
  const names = ['a b-c [1]', '-9 ret=-12', 'x ret=-28', '): route4: (x', '\u001b[31m', 'CPU:0 [LOST 9', '<- inet_rtm'];
  const lines = names.map((name) => PIPE.split('\n')[0]!.replace('            bird', name.padStart(16)));
  const { refused, lost } = refusedRoutes(parsePipe(`${lines.join('\n')}\n`, 0));
  assert.equal(lost, 0);
  assert.deepEqual(
    refused.map(({ thread, error }) => [thread, error]),
    names.map(() => [812, 'ENOMEM']),
  );
  const others = PIPE.replaceAll('ret=-12', 'ret=-17').replace('route4', 'routes').replace('-109 ', '-x ');
  assert.deepEqual(refusedRoutes(parsePipe(`\n\0\n${'x'.repeat(99_999)}\n${others}`, 0)).refused, []);
  // A name with a line break in it: its end stands in a line of its own, and what is before is no record.
  const broken = `  a\nCPU:1 [LOST 5${PIPE.split('\n')[0]!.trimStart().slice(4)}\n`;
  assert.equal(refusedRoutes(parsePipe(broken, 0)).lost, 0);
});

test('route failures: told at once, then once a minute with how many there were, and the last of them, too', () => {
  let now = 0;
  const all = refusals({ clock: () => now });
  const add = (...refused: RefusedRoute[]) => events(all.add({ refused, lost: 0 }));
  const [first] = add(route(), route());
  assert.match(
    first!.body,
    /^bird\[5000000\] could not add 2 IPv4 routes: out of memory \(ENOMEM\)\. .*The host has .* MiB available\.$/,
  );
  assert.deepEqual([first!.name, first!.time, first!.attributes.count], ['holdfast.route_failure', 1_000, 2]);
  now = 30_000;
  assert.deepEqual(add(route({ time: 31_000 })), []);
  // Another kind is another matter.
  assert.match(
    add(route({ kind: 'nexthop', error: 'ENOSPC' }))[0]!.body,
    /could not add a next hop: no space \(ENOSPC\)/,
  );
  now = 60_000;
  assert.deepEqual(
    add().map(({ time, attributes }) => [time, attributes.count]),
    [[31_000, 1]],
  );
  now = 200_000;
  assert.deepEqual(add(), []);
  assert.equal(add(route())[0]!.attributes.count, 1);
});

test('route failures: counted by command, family and error over a new configuration; what was lost is told apart', () => {
  const { routeFailures: record } = new MemoryErrorRecord();
  refusals({ record }).add({ refused: [route(), route({ kind: 'ipv6' })], lost: 7 });
  const readings = refusals({ record }).add({ refused: [route()], lost: 0 });
  assert.deepEqual(
    counted(readings).map(({ value, attributes }) => [value, ...Object.values(attributes)]),
    [
      [2, 'bird', 'ipv4', 'ENOMEM'],
      [1, 'bird', 'ipv6', 'ENOMEM'],
    ],
  );
  assert.equal(samples(readings).at(-1)!.metric, 'holdfast.route_failures.lost');
  assert.equal(samples(readings).at(-1)!.value, 7);
});

test('route failures: a flood of processes with names of their own makes neither series nor events without end', () => {
  const flood = Array.from({ length: 5_000 }, (_, n) => route({ thread: NOBODY + n, comm: `n${n}\n\u001b[31m` }));
  const readings = refusals().add({ refused: flood, lost: 0 });
  assert.ok(counted(readings).length <= 33, `${counted(readings).length} series`);
  assert.equal(
    counted(readings).reduce((sum, { value }) => sum + value, 0),
    5_000,
  );
  assert.ok(events(readings).length <= 33, `${events(readings).length} events`);
  assert.match(events(readings).at(-1)!.body, /^Further processes \(the last was n4999\\u000a\\u001b\[31m\[/);
  assert.doesNotMatch(JSON.stringify(readings), /\\n|\\u001b"/);
});

test('route failures: a process that runs is named with what /proc has of it', (t) => {
  if (!knowsThreads()) return t.skip('the kernel’s numbers of processes are others here');
  const [event] = events(refusals().add({ refused: [route({ thread: process.pid, time: Date.now() })], lost: 0 }));
  assert.equal(event!.attributes['process.executable.path'], process.execPath);
  assert.equal(event!.attributes['network.namespace'], 'own');
  // A process with the same number that began later is another process.
  const [gone] = events(refusals().add({ refused: [route({ thread: process.pid, time: 1_000 })], lost: 0 }));
  assert.equal(gone!.attributes['process.executable.path'], undefined);
});

test('route failures: if the kernel shows none, a condition says so, and there is no count', async () => {
  const probe = routeFailuresProbe(new Host({ root: '/nowhere' }), new MemoryErrorRecord(), { history: false });
  const readings = samples(await probe.read(new AbortController().signal));
  assert.deepEqual(
    readings.map(({ metric, value, attributes }) => [metric, value, attributes.reason]),
    ['ipv4', 'ipv6', 'nexthop'].map(() => [
      'holdfast.route_failures.available',
      0,
      'the running kernel is not that of these files',
    ]),
  );
  await probe.close?.();
});
