/** The kernel's trace records are read by our own mark, and a hostile file name is no record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTrace } from '../../../../agent/host/trace/tracefs.ts';

/** Traces of Linux 6.1 with kprobes and of 6.18 without, including header and padding. */
const RECORDED = `# tracer: nop
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
              mv-106     [000] .....    18.250000: rename: (do_renameat2+0x0/0x5f0) old="x" uold=(fault) new="resolv.conf" unew=(fault)
 dhclient-script-18590   [000] ..... 14173.320016: sys_openat(dfd: 0xffffff9c, filename: 0x55bdde13a350, flags: 0x241, mode: 0x1b6)
       a b-c [1]-77      [001] d..1. 14173.500000: sys_unlink(pathname: 0x7ffe58140528)
            node-25647   (  25647) [001] ..... 14174.000000: tracing_mark_write: holdfast
`;

test('witness: our own mark gives trace records the time of day', () => {
  const { records, self } = parseTrace(RECORDED, 1_000_000_000);
  assert.equal(self, 25647);
  assert.deepEqual(
    records.map(({ comm, thread, event }) => [comm, thread, event]),
    [
      ['mv', 106, 'rename'],
      ['dhclient-script', 18590, 'sys_openat'],
      ['a b-c [1]', 77, 'sys_unlink'],
    ],
  );
  assert.deepEqual(
    records.slice(1).map(({ time }) => Math.round(time)),
    [1_000_000_000 - 680, 1_000_000_000 - 500],
  );
});

test('witness: without our mark no record counts, and half lines and foreign marks are skipped', () => {
  const marked = RECORDED.replace('write: holdfast', 'write: something');
  assert.deepEqual(parseTrace(marked, 0), { records: [], self: 0 });
  const broken = RECORDED.replace('a b-c [1]-77', 'a\nb-77').replace('#\n', '#\n-\n[000]: x\n');
  assert.deepEqual(
    parseTrace(broken, 0).records.map(({ comm, thread }) => [comm, thread]),
    [
      ['mv', 106],
      ['dhclient-script', 18590],
      ['b', 77],
    ],
  );
});

test('witness: a text like a record in the name of a file is no record', () => {
  const hostile = RECORDED.replace('old="x"', 'old="-99   [000] ..... 18.000000: rename: "');
  assert.deepEqual(
    parseTrace(hostile, 0).records.map(({ thread }) => thread),
    [106, 18590, 77],
  );
});
