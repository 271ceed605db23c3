/**
 * The sysctls of tuned's active profile (tuned-profiles(7), tuned's plugin_sysctl.py). By default tuned reads /etc/sysctl.d
 * again after it has set its own, so that ours count (`reapply_sysctl` of tuned-main.conf).
 */
import { sysctlPath } from '../config/sysctl.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { type IniLine, iniLines } from '../host/ini.ts';
import type { Assignment } from './sysctl-files.ts';

const ACTIVE = '/etc/tuned/active_profile';
const MAIN = '/etc/tuned/tuned-main.conf';
const FOLDERS = ['/etc/tuned/profiles', '/etc/tuned', '/usr/lib/tuned/profiles', '/usr/lib/tuned'];
/** Profiles that include each other, at most. */
const DEEPEST = 20;

export function reappliesSysctls(host: Host): boolean {
  const line = iniLines(host, MAIN).findLast(({ section, key }) => section === null && key === 'reapply_sysctl');
  return line === undefined || /^(1|true|yes|on|y|t)$/i.test(line.value);
}

/** Those that are fixed: neither a variable (`${name}`) nor a bound (`>4096`). Of one key the last one. */
export function tunedSysctls(host: Host): Assignment[] {
  const names =
    nullIfRefused(() => host.readText(ACTIVE))
      ?.trim()
      .split(/\s+/) ?? [];
  const lines = names.filter((name) => name !== '').flatMap((name) => profileLines(host, name, 0));
  const found = new Map<string, Assignment>();
  for (const { file, line, key, value } of lines) {
    const path = sysctlPath(key);
    found.delete(path);
    if (!/[$<>]/.test(value))
      found.set(path, { file, line, path, value: value.replace(/^(["'])(.*)\1$/, '$2'), program: 'tuned' });
  }
  return [...found.values()];
}

/** Lines of the profile's sysctl sections, those of the profiles that it includes first. */
function profileLines(host: Host, name: string, depth: number): IniLine[] {
  const file = FOLDERS.map((folder) => `${folder}/${name}/tuned.conf`).find((one) => host.stat(one)?.isFile());
  if (file === undefined || depth > DEEPEST || !/^[\w.-]+$/.test(name)) return [];
  const lines = iniLines(host, file);
  const settingOf = (section: string, key: string) =>
    lines.findLast((line) => line.section === section && line.key === key)?.value;
  const included = (settingOf('main', 'include') ?? '').split(/[\s,;]+/).filter((one) => one !== '');
  const sections = [...new Set(lines.map(({ section }) => section))].filter((section) => {
    return (
      section !== null &&
      (settingOf(section, 'type') ?? section) === 'sysctl' &&
      !OFF.test(settingOf(section, 'enabled') ?? '1')
    );
  });
  return [
    ...included.flatMap((one) => profileLines(host, one.replace(/^-/, ''), depth + 1)),
    ...lines.filter(({ section, key }) => sections.includes(section) && /[./]/.test(key)),
  ];
}

const OFF = /^(0|false|no|off|n|f)$/i;
