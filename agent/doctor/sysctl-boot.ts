/** Other files that set a configured sysctl at boot, or later. */
import { matchesGlob } from 'node:path';
import type { DesiredSysctl } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { overruling } from '../resources/sysctl.ts';
import { type Assignment, OUR_FILE, parseSysctls, persistedSysctls } from '../resources/sysctl-files.ts';
import { satisfies } from '../resources/sysctl-live.ts';
import type { Seen, Surroundings } from './check.ts';
import { statements } from './lines.ts';

export function* sysctlBoot({ host, desired }: Surroundings): Iterable<Seen> {
  const settings = desired?.sysctl ?? [];
  if (settings.length === 0) return;
  yield* nobodyReads(host);
  const all = persistedSysctls(host);
  for (const setting of settings) {
    const later = overruling(all, setting);
    if (later !== undefined) yield { code: 'HF-SYSCTL-OVERRIDDEN', seen: says(later) };
    for (const one of all) {
      if (one === later || one.file === OUR_FILE || satisfies(setting, one.value)) continue;
      if (one.path === setting.path) yield { code: 'HF-SYSCTL-ELSEWHERE', seen: says(one) };
      else if (matches(one.path, setting.path))
        yield { code: 'HF-SYSCTL-GLOB', seen: `${says(one)}, and so ${setting.key}` };
    }
  }
  yield* procps(host, settings, all);
  yield* ufw(host, settings);
}

function* nobodyReads(host: Host): Iterable<Seen> {
  const readers = [
    '/usr/lib/systemd/systemd-sysctl',
    '/lib/systemd/systemd-sysctl',
    '/etc/init.d/procps',
    '/etc/init.d/sysctl',
  ];
  if (readers.some((file) => host.stat(file) !== null)) return;
  yield { code: 'HF-SYSCTL-BOOT', seen: 'this host has neither systemd-sysctl nor the init script of procps' };
}

/** Debian links it into sysctl.d, and then it is among the files that are read at boot. */
function* procps(host: Host, settings: readonly DesiredSysctl[], all: readonly Assignment[]): Iterable<Seen> {
  const file = '/etc/sysctl.conf';
  if (all.some((one) => host.target(one.file) === host.target(file))) return;
  for (const one of against(settings, parseSysctls(file, host.readText(file) ?? ''))) {
    yield { code: 'HF-SYSCTL-PROCPS', seen: says(one) };
  }
}

/** ufw(8) loads the file that IPT_SYSCTL names. */
function* ufw(host: Host, settings: readonly DesiredSysctl[]): Iterable<Seen> {
  if (!statements(host, '/etc/ufw/ufw.conf').some(({ text }) => /^ENABLED=["']?yes\b/i.test(text))) return;
  const named = statements(host, '/etc/default/ufw').flatMap(
    ({ text }) => /^IPT_SYSCTL=["']?([^"'\s]+)/.exec(text)?.[1] ?? [],
  );
  const file = named.at(-1);
  if (file === undefined) return;
  for (const one of against(settings, parseSysctls(file, host.readText(file) ?? ''))) {
    yield { code: 'HF-SYSCTL-UFW', seen: says(one) };
  }
}

function against(settings: readonly DesiredSysctl[], all: readonly Assignment[]): Assignment[] {
  return all.filter((one) => settings.some((setting) => setting.path === one.path && !satisfies(setting, one.value)));
}

function says({ file, line, path, value }: Assignment): string {
  return `${file}:${line} sets ${path} to ${value}`;
}

/** glob(7) as sysctl.d(5) has it: `*` and `?` stay within one part of the path. */
function matches(pattern: string, path: string): boolean {
  return /[*?[]/.test(pattern) && matchesGlob(path, pattern);
}
