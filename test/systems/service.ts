/** Holdfast's units on a booted machine, as its package puts them there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Log } from '../parts/lab/log.ts';
import type { LabSystem } from '../parts/lab/system.ts';
import { REPOSITORY } from '../parts/repository.ts';
import type { Machine } from './machine.ts';

const UNITS = join(REPOSITORY, 'units');

/** The executable, the units and their generator; nothing is started or enabled. */
export async function installService(machine: Machine): Promise<void> {
  await machine.installAgent();
  for (const name of readdirSync(UNITS)) {
    if (name === 'holdfast-generator')
      await machine.copy(join(UNITS, name), `/usr/lib/systemd/system-generators/${name}`);
    else await machine.copy(join(UNITS, name), `/usr/lib/systemd/system/${name}`, 0o644);
  }
  await machine.sh('systemctl daemon-reload');
}

/** A booted system that runs a shell script, like LabSystem. */
type Shell = Pick<LabSystem, 'sh'>;

/** What `systemctl edit UNIT` would write. */
export async function edit(machine: Machine, unit: string, directives: string): Promise<void> {
  await machine.write(`/etc/systemd/system/${unit}.d/test.conf`, `[Service]\n${directives}\n`);
  await machine.sh('systemctl daemon-reload');
}

/** What a unit said since the machine booted, and says from now on. `patience`: of log.ts. */
export function journalOf(machine: Machine, unit: string, patience?: number): Log {
  const command = ['journalctl', '--follow', '--lines=all', '--output=cat', `--unit=${unit}`];
  return new Log(machine.spawn(command).stdout!, patience);
}

/** One property of a unit (org.freedesktop.systemd1(5)). */
export async function property(machine: Shell, unit: string, name: string): Promise<string> {
  return (await machine.sh(`systemctl show --property=${name} --value ${unit}`)).trim();
}

/** `systemd-analyze security`: 0 (safe) to 10. */
export async function exposure(machine: Machine, unit: string): Promise<number> {
  const text = await machine.sh(`systemd-analyze security --no-pager ${unit}`);
  const [, level] = /Overall exposure level for .*: ([0-9.]+)/.exec(text) ?? [];
  return Number(level);
}

/** The machine has no curl: `path` asked of the collector on it. */
export function ask(machine: Shell, path: string, header = ''): Promise<string> {
  const request = `GET ${path} HTTP/1.0\\r\\nHost: localhost\\r\\n${header}\\r\\n`;
  return machine.sh(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/4318; printf "${request}" >&3; cat <&3'`);
}
