/** The kernel log is read record by record, without repetition or loss. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KernelLog, parseKernelRecord } from '../../../probes/memory-errors/kmsg.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { missing, nodeCommand, scratch } from '../../parts/scratch.ts';

/** A named pipe in place of /dev/kmsg: like it, it gives what was written, and EAGAIN when there is nothing. */
function pipe(t: TestContext): { path: string; write(record: string): void } {
  const path = join(scratch(t), 'kmsg');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => closeSync(fd));
  return { path, write: (record) => void writeSync(fd, record) };
}

test('kmsg: a record has facility, sequence, time and text, without the dictionary', () => {
  assert.deepEqual(parseKernelRecord('4,339,5140900,-;Out of memory\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:01.0\n'), {
    sequence: 339,
    fromKernel: true,
    microseconds: 5140900,
    text: 'Out of memory',
  });
  assert.equal(parseKernelRecord('12,340,5140901,-;from a process\n')?.fromKernel, false);
  assert.equal(parseKernelRecord('6,1,2,c,caller=T1,later=field;a; b\n')?.text, 'a; b');
});

test('kmsg: other text is no record', () => {
  for (const raw of ['', '\n', 'text', '4,1;text', '4,x,1,-;text', ' SUBSYSTEM=pci', '-4,1,1,-;text'])
    assert.equal(parseKernelRecord(raw), null, raw);
  assert.equal(parseKernelRecord('4,1,1,-;')?.text, '');
});

test('kmsg: reads what is there, never waits, and counts what was overwritten', (t) => {
  const { path, write } = pipe(t);
  const log = new KernelLog({ path });
  t.after(() => log.close());
  const texts = () => {
    const { records, lost } = log.read(1);
    return [...records.map(({ text }) => text), lost];
  };
  assert.deepEqual(texts(), [0]);
  assert.equal(log.sequence, null);
  write('4,10,1,-;ten\n');
  assert.deepEqual(texts(), ['ten', 0]);
  write('4,11,1,-;eleven\n');
  assert.deepEqual(texts(), ['eleven', 0]);
  write('4,15,1,-;fifteen\n');
  assert.deepEqual(texts(), ['fifteen', 3]);
  assert.equal(log.sequence, 15);
  assert.deepEqual(texts(), [0]);
});

test('kmsg: reading continues after a sequence number without repetition or loss', (t) => {
  const { path, write } = pipe(t);
  const log = new KernelLog({ path, after: 20 });
  t.after(() => log.close());
  write('4,20,1,-;old\n');
  assert.deepEqual(log.read(1), { records: [], lost: 0 });
  write('4,21,1,-;new\n');
  assert.deepEqual(log.read(1).records[0]?.text, 'new');
  const later = new KernelLog({ path, after: 20 });
  t.after(() => later.close());
  write('4,25,1,-;newer\n');
  assert.equal(later.read(1).lost, 4);
});

/** EPIPE, as the kernel gives it when it has overwritten what was to be read next; strace puts it in place of the second read. */
test('kmsg: goes on after records were overwritten', { skip: missing('strace') || unreadable() }, () => {
  const script = `
    import { KernelLog } from '${REPOSITORY}/probes/memory-errors/kmsg.ts';
    const { records } = new KernelLog().read(1e6);
    console.log(JSON.stringify(records.map(({ sequence }) => sequence)));`;
  const trace = '-f -qq -o /dev/null -P /dev/kmsg -e trace=read -e inject=read:error=EPIPE:when=2';
  const sequences: number[] = JSON.parse(
    execFileSync('sh', ['-c', `strace ${trace} ${nodeCommand(script)}`], { encoding: 'utf8' }),
  );
  assert.ok(sequences.length > 2);
  assert.deepEqual(new Set(sequences).size, sequences.length);
});

function unreadable(): string | false {
  try {
    new KernelLog().close();
    return false;
  } catch (error) {
    return String(error);
  }
}

test('kmsg: where it cannot be read it says so', (t) => {
  assert.throws(() => new KernelLog({ path: join(scratch(t), 'none') }), /cannot read .*none: it does not exist/);
});
