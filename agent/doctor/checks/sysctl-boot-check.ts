/** Other files that set a configured sysctl at boot, or later. */
import type { DesiredSysctl } from '../../config/desired.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { sysctlVariable } from '../../config/sysctl/relations.ts';
import { shownText } from '../../config/sysctl/secret-sysctls.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { BootSysctls, isPattern, matchesSysctl } from '../../resources/sysctl/boot/boot.ts';
import { laterSysctls } from '../../resources/sysctl/boot/later.ts';
import {
  type Assignment,
  OUR_FILE,
  PersistedSysctls,
  parseSysctls,
  persistedSysctls,
} from '../../resources/sysctl/boot/sysctl-files.ts';
import { reappliesSysctls, tunedSysctls } from '../../resources/sysctl/boot/tuned-profile.ts';
import { satisfies } from '../../resources/sysctl/live.ts';
import { overrulingLine, wantedFile } from '../../resources/sysctl/persisted.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { statements } from '../numbered-lines.ts';

export function* sysctlBootCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  const settings = desired?.sysctl ?? [];
  if (settings.length === 0) return;
  yield* nobodyReads(host);
  const persisted = new PersistedSysctls(host).now();
  for (const seen of persisted.refusals()) yield { code: 'HF-SYSCTL-UNREADABLE', seen };
  // As if our file were right: doctor does not report the drift that apply would put right.
  const wanted = wantedFile(
    host,
    settings,
    persisted,
    nullIfRefused(() => host.readText(OUR_FILE)),
  );
  const boot = new BootSysctls(
    persisted.lines(wanted),
    laterSysctls(
      host,
      settings.map(({ path }) => path),
    ),
  );
  const all = persistedSysctls(host);
  for (const setting of settings) {
    const overruled = overrulingLine(boot, setting);
    const by = overruled?.value?.by;
    if (overruled !== null) {
      const code = by?.program === undefined ? 'HF-SYSCTL-OVERRIDDEN' : 'HF-SYSCTL-PROGRAM';
      yield { code, seen: overruled.reason, ...(by?.maybe ? { severity: 'warning' } : {}) };
    }
    for (const one of all) {
      if (one.file === OUR_FILE || satisfies(setting, one.value) || isSame(one, by)) continue;
      if (sysctlVariable(one.path) === sysctlVariable(setting.path))
        yield { code: 'HF-SYSCTL-ELSEWHERE', seen: says(one) };
      else if (isPattern(one.path) && matchesSysctl(one.path, setting.path))
        yield { code: 'HF-SYSCTL-GLOB', seen: `${says(one)}, and so ${setting.key}` };
    }
  }
  if (reappliesSysctls(host)) {
    for (const one of against(settings, tunedSysctls(host))) yield { code: 'HF-SYSCTL-TUNED', seen: says(one) };
  }
  yield* procps(host, settings, all);
  yield* ufw(host, settings);
}

function isSame(one: Assignment, other: Assignment | undefined): boolean {
  return one.file === other?.file && one.line === other.line;
}

function* nobodyReads(host: Host): Iterable<DoctorObservation> {
  const readers = [
    '/usr/lib/systemd/systemd-sysctl',
    '/lib/systemd/systemd-sysctl',
    '/etc/init.d/procps',
    '/etc/init.d/sysctl',
  ];
  if (readers.some((file) => host.stat(file) !== null)) return;
  yield { code: 'HF-SYSCTL-BOOT', seen: 'this host has neither systemd-sysctl nor the init script of procps' };
}

/** Debian links the file into sysctl.d, where it is among the files that are read at boot. */
function* procps(
  host: Host,
  settings: readonly DesiredSysctl[],
  all: readonly Assignment[],
): Iterable<DoctorObservation> {
  const file = '/etc/sysctl.conf';
  if (all.some((one) => host.target(one.file) === host.target(file))) return;
  for (const one of against(settings, parseSysctls(file, host.readText(file) ?? ''))) {
    yield { code: 'HF-SYSCTL-PROCPS', seen: says(one) };
  }
}

/** ufw(8) loads the file that IPT_SYSCTL names. */
function* ufw(host: Host, settings: readonly DesiredSysctl[]): Iterable<DoctorObservation> {
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
  return all.filter((one) =>
    settings.some((setting) => {
      return sysctlVariable(setting.path) === sysctlVariable(one.path) && !satisfies(setting, one.value);
    }),
  );
}

function says({ file, line, path, value }: Assignment): string {
  return `${file}:${line} sets ${sysctlKey(path)} to ${shownText(path, value)}`;
}
