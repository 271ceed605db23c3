/**
 * The sysctls of tuned's active profile (tuned-profiles(7), tuned's plugin_sysctl.py). By default tuned reads
 * /etc/sysctl.d again after it has set its own values, so that our values count (`reapply_sysctl` of tuned-main.conf).
 */
import { sysctlPath } from '../../../config/notation/sysctl-keys.ts';
import { nullIfRefused } from '../../../host/errors.ts';
import { type IniLine, iniLines } from '../../../host/files/ini.ts';
import type { Host } from '../../../host/host.ts';
import type { Assignment } from './sysctl-files.ts';

const ACTIVE = '/etc/tuned/active_profile';
const MAIN = '/etc/tuned/tuned-main.conf';
const FOLDERS = ['/etc/tuned/profiles', '/etc/tuned', '/usr/lib/tuned/profiles', '/usr/lib/tuned'];
/** Limit for profiles that include each other. */
const DEEPEST = 20;

export function reappliesSysctls(host: Host): boolean {
  const line = iniLines(host, MAIN).findLast(({ section, key }) => section === null && key === 'reapply_sysctl');
  return line === undefined || /^(1|true|yes|on|y|t)$/i.test(line.value);
}

/**
 * The profile's values, with its variables put in; bounds such as `>4096` are left out. If a key occurs twice, the last
 * value counts.
 */
export function tunedSysctls(host: Host): Assignment[] {
  const names =
    nullIfRefused(() => host.readText(ACTIVE))
      ?.trim()
      .split(/\s+/) ?? [];
  const lines = names.filter((name) => name !== '').flatMap((name) => profileLines(host, name, 0));
  const variables = new Map(
    names.flatMap((name) => variableLines(host, name, 0)).map(({ key, value }) => [key, value]),
  );
  const found = new Map<string, Assignment>();
  for (const { file, line, key, value: written } of lines) {
    const path = sysctlPath(key);
    const value = expanded(written, variables).replace(/^(["'])(.*)\1$/, '$2');
    found.delete(path);
    // Only tuned knows the results of its functions (`${f:…}`).
    const maybe = value.includes('${') ? { maybe: true as const } : {};
    if (!/[<>]/.test(value)) found.set(path, { file, line, path, value, program: 'tuned', ...maybe });
  }
  return [...found.values()];
}

function expanded(text: string, variables: ReadonlyMap<string, string>, depth = 0): string {
  const next = text.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole);
  return next === text || depth > DEEPEST ? text : expanded(next, variables, depth + 1);
}

function profileFile(host: Host, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined;
  return FOLDERS.map((folder) => `${folder}/${name}/tuned.conf`).find((one) => host.stat(one)?.isFile());
}

/** Lines of the profile's variables, and of the files included there; lines of included profiles come first. */
function variableLines(host: Host, name: string, depth: number): IniLine[] {
  const file = profileFile(host, name);
  if (file === undefined || depth > DEEPEST) return [];
  const lines = iniLines(host, file);
  const inSection = (wanted: string) => lines.filter(({ section }) => section === wanted);
  const profiles = inSection('main')
    .filter(({ key }) => key === 'include')
    .flatMap(({ value }) => included(value));
  return [
    ...profiles.flatMap((one) => variableLines(host, one, depth + 1)),
    ...inSection('variables').flatMap((line) => (line.key === 'include' ? iniLines(host, line.value) : [line])),
  ];
}

/** Names of profiles; a profile whose name follows a `-` may be missing. */
function included(value: string): string[] {
  return value.split(/[\s,;]+/).flatMap((name) => (name === '' ? [] : name.replace(/^-/, '')));
}

/** Lines of the profile's sysctl sections; lines of included profiles come first. */
function profileLines(host: Host, name: string, depth: number): IniLine[] {
  const file = profileFile(host, name);
  if (file === undefined || depth > DEEPEST) return [];
  const lines = iniLines(host, file);
  const settingOf = (section: string, key: string) =>
    lines.findLast((line) => line.section === section && line.key === key)?.value;
  const sections = [...new Set(lines.map(({ section }) => section))].filter((section) => {
    return (
      section !== null &&
      (settingOf(section, 'type') ?? section) === 'sysctl' &&
      !OFF.test(settingOf(section, 'enabled') ?? '1')
    );
  });
  return [
    ...included(settingOf('main', 'include') ?? '').flatMap((one) => profileLines(host, one, depth + 1)),
    ...lines.filter(({ section, key }) => sections.includes(section) && /[./]/.test(key)),
  ];
}

const OFF = /^(0|false|no|off|n|f)$/i;
