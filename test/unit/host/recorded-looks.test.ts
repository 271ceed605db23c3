/** Recorded looks: any change of what a run saw is seen, and a run that depends on more than its looks has no record. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { networkInterfaces } from '../../../agent/host/looks.ts';
import {
  endUnlessRoom,
  isRecording,
  type LookRecord,
  noteLook,
  onlyBefore,
  recordedLooks,
  recordLooks,
  unrecorded,
} from '../../../agent/host/recorded-looks.ts';
import { areAnsweredSame } from '../../../agent/host/same-looks.ts';
import { scratch } from '../../parts/scratch.ts';

const isRoot = process.getuid?.() === 0;

function recorded(work: () => void): LookRecord | null {
  recordLooks();
  work();
  return recordedLooks();
}

/** A host, and everything that can be looked at in it. */
function looked(t: TestContext) {
  const root = scratch(t, { file: 'content\n', 'folder/one': '1', 'folder/two': '2' });
  symlinkSync('file', join(root, 'link'));
  const host = new Host({ root, live: true });
  const look = () => {
    host.readText('/file');
    host.readText('/link');
    host.lstat('/file');
    host.stat('/folder/one');
    host.list('/folder');
    host.readLink('/link');
    host.lstat('/missing');
    host.readText('/missing');
    host.sysctl('kernel/ostype');
    host.sysctlMode('kernel/ostype');
    host.processes('init');
    assert.throws(() => host.readText('/folder'), { code: 'EISDIR' });
    networkInterfaces();
  };
  const record = recorded(look);
  assert.ok(record !== null && record.looks.length > 10);
  return { root, looks: record.looks };
}

const CHANGES: Record<string, (at: (path: string) => string) => void> = {
  'another byte': (at) => writeFileSync(at('file'), 'Content\n'),
  'a byte more': (at) => writeFileSync(at('file'), 'content\n\n'),
  'another mode': (at) => chmodSync(at('file'), 0o606),
  'another time': (at) => utimesSync(at('file'), 1, 1),
  'another file of the same content': (at) => {
    writeFileSync(at('new'), readFileSync(at('file')));
    renameSync(at('new'), at('file'));
  },
  'a second name of the file': (at) => linkSync(at('file'), at('second')),
  'no file': (at) => rmSync(at('file')),
  'a file where none was': (at) => writeFileSync(at('missing'), ''),
  'a folder where none was': (at) => mkdirSync(at('missing')),
  'a link to nowhere where nothing was': (at) => symlinkSync('nowhere', at('missing')),
  'another link': (at) => {
    rmSync(at('link'));
    symlinkSync('folder/one', at('link'));
  },
  'a file in the place of a link': (at) => {
    rmSync(at('link'));
    writeFileSync(at('link'), 'content\n');
  },
  'one name more in a folder': (at) => writeFileSync(at('folder/three'), ''),
  'one name fewer in a folder': (at) => rmSync(at('folder/two')),
  'a file that became readable': (at) => {
    rmSync(at('folder'), { recursive: true });
    writeFileSync(at('folder'), '');
  },
};

test('looks: an unchanged host answers the same, again and again', async (t) => {
  const { looks } = looked(t);
  for (let n = 0; n < 3; n += 1) assert.equal(await areAnsweredSame(JSON.parse(JSON.stringify(looks))), true);
});

for (const [name, change] of Object.entries(CHANGES)) {
  test(`looks: it is seen: ${name}`, async (t) => {
    const { root, looks } = looked(t);
    change((path) => join(root, path));
    assert.equal(await areAnsweredSame(looks), false);
  });
}

test('looks: another owner is seen', { skip: isRoot ? false : 'needs root' }, async (t) => {
  const { root, looks } = looked(t);
  chownSync(join(root, 'file'), 12, 0);
  assert.equal(await areAnsweredSame(looks), false);
});

test('looks: of the locks of the machine, only those on the wanted inodes count', async (t) => {
  const lock = (n: number, inode: number) => `${n}: FLOCK  ADVISORY  WRITE 12 08:01:${inode} 0 EOF\n`;
  const root = scratch(t, { 'proc/locks': lock(1, 21) });
  const write = (text: string) => writeFileSync(join(root, 'proc/locks'), text);
  const record = recorded(() => assert.deepEqual(new Host({ root }).lockedOf([20, 22]), []));
  const looks = record!.looks.filter(([kind]) => kind === 'locked');
  assert.equal(looks.length, 1);
  write(lock(1, 90) + lock(2, 21));
  assert.equal(await areAnsweredSame(looks), true);
  write(lock(1, 22));
  assert.equal(await areAnsweredSame(looks), false);
});

test('looks: each answer counts, and a kind of look that is not known has no same answer', async (t) => {
  const { looks } = looked(t);
  for (const [n, [kind, about, answer]] of looks.entries()) {
    assert.equal(await areAnsweredSame(looks.with(n, [kind, about, `${answer}x`])), false, `${kind} ${about}`);
  }
  assert.equal(await areAnsweredSame([['rumour', '', '']]), false);
});

const CHANGING: Record<string, (host: Host) => unknown> = {
  'writes a file': (host) => host.replace('/file', 'x'),
  'writes a file of its own': (host) => host.replaceOwn('/own', 'x', 0o600),
  'makes a link': (host) => host.replaceLink('/made', 'file'),
  'removes a file': (host) => host.remove('/file'),
  'makes a folder': (host) => host.makeFolder('/made', 0o755),
  'removes a folder': (host) => host.removeEmptyFolder('/folder'),
  'runs a program': (host) => host.run('true', []),
  'runs a program beside it': (host) => host.runBeside('true', []),
  'waits for another apply': (host) => host.exclusively('/run', async () => {}),
};

for (const [name, work] of Object.entries(CHANGING)) {
  test(`looks: a run has no record if it ${name}`, async (t) => {
    const host = new Host({ root: scratch(t, { file: '' }), live: true });
    recordLooks();
    host.list('/');
    await work(host);
    assert.equal(recordedLooks(), null);
  });
}

test('looks: a run has no record if the same look had two answers', (t) => {
  const root = scratch(t, { file: 'before' });
  const host = new Host({ root });
  const work = () => {
    host.readText('/file');
    writeFileSync(join(root, 'file'), 'after');
    host.readText('/file');
  };
  assert.equal(recorded(work), null);
});

test('looks: a run that reads more than a megabyte has no record', () => {
  assert.equal(
    recorded(() => noteLook('file', '/large', 'x'.repeat(2 << 20))),
    null,
  );
});

test('looks: an answer that comes in parts ends the record before the answer is whole', () => {
  const work = () => {
    noteLook('file', '/half', 'x'.repeat(1 << 19));
    endUnlessRoom(1 << 19);
    assert.equal(isRecording(), true);
    endUnlessRoom((1 << 19) + 1);
    assert.equal(isRecording(), false);
  };
  assert.equal(recorded(work), null);
});

test('looks: the earliest end of a run counts', () => {
  const work = () => {
    onlyBefore(2000);
    onlyBefore(1000);
    onlyBefore(3000);
  };
  assert.deepEqual(recorded(work), { looks: [], end: 1000 });
});

test('looks: work that only saves work is not recorded, also if it fails', (t) => {
  const host = new Host({ root: scratch(t) });
  const work = () => {
    unrecorded(() => host.replaceOwn('/own', 'x', 0o600));
    assert.throws(() => unrecorded(() => host.list('/own/x\0')));
    host.lstat('/own');
  };
  assert.deepEqual(
    recorded(work)?.looks.map(([kind]) => kind),
    ['lstat'],
  );
});
