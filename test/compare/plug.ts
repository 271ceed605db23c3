/** The plug is pulled in the middle of the change: what the host has when it has booted again, and after the tool's next run. */
import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { NEW } from '../parts/lab/scene.ts';
import type { Machine } from '../systems/machine.ts';
import { judge } from './change.ts';
import type { Way } from './ways.ts';

/** The files that any of the tools changes. Each tool changes some of them. */
const FILES = [
  '/etc/resolv.conf',
  '/etc/dhcp/dhclient.conf',
  '/etc/dhcp/dhclient-enter-hooks.d/nodnsupdate',
  '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
  '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast',
];

/** Milliseconds for which the tool waits after each rename. In that time the plug is pulled. */
const HELD_MS = 400;
const RENAMES = 'rename,renameat,renameat2';

export interface PlugRow {
  readonly way: Pick<Way, 'tool' | 'variant'>;
  /** Which of its files it had touched by then. */
  readonly files: readonly string[];
  readonly booted: State;
  readonly nextRun: State;
}

export interface State {
  /** Exit status of the tool's further run; null at a boot. */
  readonly status: number | null;
  /** See `judge`. */
  readonly resolvConf: string;
  readonly dhclientConf: 'new' | '**old**' | '**gone**';
}

/** @param after the number of files after which the plug is pulled. null if the tool changes no more files. */
export async function measurePlug(machine: Machine, way: Way, after: number): Promise<PlugRow | null> {
  for (const [file, text] of Object.entries(way.files())) await machine.write(file, text);
  const before = identities(machine);
  const command = machine.commandLine(['sh', '-ec', way.script]);
  const hold = ['strace', '-f', '--seccomp-bpf', '-qqq', '-o', '/dev/null'];
  const inject = ['-e', `trace=${RENAMES}`, '-e', `inject=${RENAMES}:delay_exit=${HELD_MS * 1000}`];
  const child = machine.outside.spawn([...hold, ...inject, ...command]);
  child.stdout!.resume();
  child.stderr!.resume();
  const changed = () => {
    const present = identities(machine);
    return FILES.filter((file) => present.get(file) !== before.get(file));
  };
  while (changed().length < after) {
    if (child.exitCode !== null) return null;
    await pause(20);
  }
  const files = changed();
  await machine.pullPlug();
  await machine.reboot();
  const booted = await state(machine, null);
  const { code } = await machine.run(['sh', '-ec', way.script]);
  const { tool, variant } = way;
  return { way: { tool, variant }, files, booted, nextRun: await state(machine, code) };
}

function identities(machine: Machine): Map<string, string> {
  return new Map(
    FILES.map((file) => {
      const stat = statSync(machine.path(file), { throwIfNoEntry: false });
      return [file, stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`];
    }),
  );
}

async function state(machine: Machine, status: number | null): Promise<State> {
  const text = async (file: string) => (machine.exists(file) ? await machine.read(file) : null);
  const [resolv, dhclient] = [await text('/etc/resolv.conf'), await text('/etc/dhcp/dhclient.conf')];
  return {
    status,
    resolvConf: resolv === null ? '**gone**' : judge(resolv),
    dhclientConf: dhclient === null ? '**gone**' : dhclient.includes(NEW[0]) ? 'new' : '**old**',
  };
}
