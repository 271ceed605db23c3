/** However a test ends, its machine leaves no process and no control group behind; and it is fresh at every boot. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Log } from '../parts/lab/log.ts';
import { Machine, unavailable } from './machine.ts';

const skip = unavailable();

/** Processes below it: a control group's keeper, the throw-away host, and later nspawn and systemd. */
const MOMENTS = { 'while it boots': 4, 'when it has booted': 12 } as const;

for (const [moment, processes] of Object.entries(MOMENTS)) {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`${signal} ${moment} leaves nothing`, { skip }, async () => {
      const user = spawn(process.execPath, ['--input-type=module', '-e', BOOT], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const log = new Log(user.stdout!);
      await log.until(/^booting/);
      await until(() => descendants(user.pid!).length >= processes, 'it has started its parts');
      if (moment === 'when it has booted') await log.until(/^booted/);
      const started = descendants(user.pid!);
      const gone = once(user, 'exit');
      user.kill(signal);
      await gone;
      await until(() => started.every((one) => startOf(one.pid) !== one.start), 'all of them have ended');
      const theirs = started.map(({ pid }) => `holdfast-machine-${pid}-`);
      const left = readdirSync(controlGroups()).filter((group) => theirs.some((name) => group.startsWith(name)));
      assert.deepEqual(left, []);
    });
  }
}

test('a booted machine that cannot be made ready for its test is closed', { skip }, async () => {
  let leader = '';
  const booting = Machine.boot({
    release: 'bookworm',
    async ready(machine) {
      leader = machine.path('/');
      throw new Error('no agent');
    },
  });
  await assert.rejects(booting, /no agent/);
  assert.equal(existsSync(leader), false);
});

test('what one machine wrote is not on the next one, and is there after a reboot', { skip }, async () => {
  {
    await using machine = await Machine.boot({ release: 'bookworm' });
    await machine.write('/etc/mark', 'first');
    await machine.sh('touch /run/mark; ip addr add 192.0.2.1/24 dev eth0');
    await machine.reboot();
    assert.equal(await machine.read('/etc/mark'), 'first');
    assert.equal(machine.exists('/run/mark'), false);
    assert.doesNotMatch(await machine.sh('ip -4 addr show dev eth0'), /192\.0\.2\.1/);
  }
  await using machine = await Machine.boot({ release: 'bookworm' });
  assert.equal(machine.exists('/etc/mark'), false);
});

const BOOT = `
  import { Machine } from ${JSON.stringify(join(import.meta.dirname, 'machine.ts'))};
  console.log('booting');
  await Machine.boot({ release: 'bookworm', dhcp: null, files: { '/etc/network/interfaces': '' } });
  console.log('booted');
  setInterval(() => {}, 1000);
`;

interface Started {
  readonly pid: number;
  /** In clock ticks since this machine booted: tells it from a later process of the same number. */
  readonly start: string;
}

function descendants(of: number): Started[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((pid) => [pid, Number(stat(pid)?.[1])]));
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === of || below(parent));
  };
  return all.filter(below).flatMap((pid) => {
    const start = startOf(pid);
    return start === null ? [] : [{ pid, start }];
  });
}

const startOf = (pid: number) => stat(pid)?.[19] ?? null;

/** The fields of /proc/PID/stat from the third on (proc_pid_stat(5)): state, parent …; null: there is none. */
function stat(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return null;
  }
}

function controlGroups(): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'));
  assert.ok(mount, 'control groups (version 2) are mounted somewhere');
  return mount[1]!;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `in time: ${what}`);
    await pause(20);
  }
}
