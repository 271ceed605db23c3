/** Whose processes are this host's: by the /etc that they have, and by their network. Asked without the right to trace them. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { commOf, nullIfGone } from '../../../../agent/host/process/proc.ts';
import { processesNamed } from '../../../../agent/host/process/processes.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { nodeCommand, noNamespaces, scratch } from '../../../parts/scratch.ts';

const MODULE = join(REPOSITORY, 'agent/host/process/processes.ts');
const PLACES = {
  here: 'exec "$1" 300',
  'own mounts, as in a sandbox': 'exec unshare --mount "$1" 300',
  'another /etc': 'exec unshare --mount sh -c \'mount -t tmpfs none /etc; exec "$1" 300\' sh "$1"',
  'another network': 'exec unshare --net "$1" 300',
} as const;

test("processes: a process belongs to this host if its /etc and network are this host's, in any mount namespace", {
  skip: noNamespaces('unshare', 'setpriv'),
}, async (t) => {
  const comm = `hf-${process.pid}`;
  const program = join(scratch(t), comm);
  copyFileSync('/bin/sleep', program);
  const started = Object.entries(PLACES).map(([place, script]) => {
    const child = spawn('sh', ['-c', script, 'sh', program], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    return { place, pid: child.pid! };
  });
  while (started.some(({ pid }) => readFileSync(`/proc/${pid}/comm`, 'utf8') !== `${comm}\n`)) await pause(20);
  assert.notEqual(readlinkSync(`/proc/${started[1]!.pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));

  const code = `import { processesNamed } from ${JSON.stringify(MODULE)};
    const pids = (how) => processesNamed(${JSON.stringify(comm)}, how).map(({ pid }) => pid);
    console.log(JSON.stringify([pids('files'), pids('network'), pids('both')]));`;
  // Like the service: root without CAP_SYS_PTRACE may not read the links of namespaces.
  for (const capabilities of ['-all', '+all']) {
    const found = execFileSync(
      'setpriv',
      [`--bounding-set=${capabilities}`, '--inh-caps=-all', 'sh', '-c', nodeCommand(code)],
      { encoding: 'utf8' },
    );
    const places = (JSON.parse(found) as number[][]).map((pids) =>
      started.filter(({ pid }) => pids.includes(pid)).map(({ place }) => place),
    );
    assert.deepEqual(places, [
      ['here', 'own mounts, as in a sandbox', 'another network'],
      ['here', 'own mounts, as in a sandbox', 'another /etc'],
      ['here', 'own mounts, as in a sandbox'],
    ]);
  }
});

test('processes: a fork that has not begun another program is no process of its own', async (t) => {
  const folder = scratch(t);
  const comm = `hf-fork-${process.pid}`.slice(0, 15);
  const program = join(folder, comm);
  copyFileSync('/bin/sh', program);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  // The child waits for a writer of the pipe.
  const script = ['-c', '(read -r line <"$1") & wait', 'sh', join(folder, 'pipe')];
  const started = [spawn(program, script, { stdio: 'ignore' }), spawn(program, script, { stdio: 'ignore' })];
  const running = () =>
    readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && nullIfGone(() => commOf(Number(pid))) === comm);
  t.after(() => {
    for (const pid of running()) process.kill(Number(pid), 'SIGKILL');
  });
  while (running().length < 4) await pause(20);
  const pids = started.map(({ pid }) => pid!);
  assert.deepEqual(
    processesNamed(comm, 'both').map(({ pid }) => pid),
    pids.toSorted((a, b) => a - b),
  );
});
