/** Bytecode is the one part of the executables that is made by running something: it has to be the same whatever else goes on. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { splitProgram } from '../../packaging/build.ts';
import { rehearse } from '../../packaging/rehearsal.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { noNamespaces, scratch } from '../parts/scratch.ts';

test('bytecode: rehearsed again, in another folder, for another user or beside busy processes, the bytecode is the same', async (t) => {
  const chunks = join(scratch(t), 'chunks');
  await splitProgram(join(REPOSITORY, 'agent/cli.ts'), chunks);
  /** One rehearsal in a folder of this name. */
  const rehearsed = (name: string) => {
    const folder = join(scratch(t), name);
    cpSync(chunks, folder, { recursive: true });
    rehearse(folder);
    return sum(folder);
  };
  const first = rehearsed('first');
  const environment = { NO_COLOR: '1', TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', NODE_OPTIONS: '--no-sparkplug' };
  const before = { ...process.env };
  try {
    Object.assign(process.env, environment);
    assert.equal(rehearsed('another-folder-with-a-longer-name'), first);
  } finally {
    process.env = before;
  }
  // Before the cure three to a core were enough for another result each time.
  const loop = `while kill -0 ${process.pid}; do :; done`;
  const busy = Array.from({ length: 3 * availableParallelism() }, () => spawn('sh', ['-c', loop]));
  try {
    for (let n = 0; n < 5; n++) assert.equal(rehearsed('busy'), first);
  } finally {
    for (const child of busy) child.kill();
    await Promise.all(busy.map(ended));
  }
});

const WARM = JSON.stringify(join(REPOSITORY, 'packaging/rehearsal.ts'));
/** Ways to start a rehearsal as somebody else, or where less is allowed; each is a command in sh, "$@" what it starts. */
const ELSEWHERE = {
  'as an ordinary user': 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"',
  'as root without user namespaces': 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"',
  'with a umask that lets the group write': 'umask 0002; exec "$@"',
};

suite('rehearsed elsewhere', { skip: noNamespaces('setpriv') }, () => {
  for (const [how, command] of Object.entries(ELSEWHERE)) {
    test(`${how}, below a folder that everybody may write, the bytecode is the same`, async (t) => {
      const [here, there] = [join(scratch(t), 'chunks'), join(scratch(t), 'open/chunks')];
      await splitProgram(join(REPOSITORY, 'agent/cli.ts'), here);
      cpSync(here, there, { recursive: true });
      execFileSync('chmod', ['-R', 'a+rwX', dirname(dirname(there))]);
      rehearse(here);
      rehearsedBy(command, there);
      assert.equal(sum(there), sum(here));
    });
  }

  // In a chroot the kernel makes no user namespaces.
  test('where no namespace can be had, it is made all the same, and that is said', async (t) => {
    const folder = join(scratch(t), 'chunks');
    await splitProgram(join(REPOSITORY, 'agent/cli.ts'), folder);
    execFileSync('chmod', ['-R', 'a+rwX', dirname(folder)]);
    const said = rehearsedBy('mount --rbind / /mnt; exec chroot --userspec=65534:65534 /mnt "$@"', folder);
    assert.match(said, /no namespaces here/);
    assert.match(sum(folder), /^[0-9a-f]{64}$/);
  });
});

/** What it prints. */
function rehearsedBy(command: string, folder: string): string {
  const script = `import(${WARM}).then(({ rehearse }) => rehearse(${JSON.stringify(folder)}))`;
  const inSh = ['sh', '-ec', command, 'sh', process.execPath, '-e', script];
  // In a user namespace of its own, whose limits are its own; all users are mapped.
  const own = ['--user', '--map-root-user', '--mount'];
  return execFileSync('unshare', [...(command.includes('/proc/sys') ? own : ['--mount']), ...inSh], {
    encoding: 'utf8',
  });
}

function sum(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder).filter((name) => name.endsWith('.bytecode'));
  assert.ok(names.length > 50);
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.on('exit', () => resolve()));
}
