/** Kernel settings in shell commands: `sysctl -w key=value`, `sysctl -p FILE`, `echo 1 >/proc/sys/…`. */
import { allCommands, type ShellCommand } from '../../../clients/shell/shell.ts';
import { sysctlPath } from '../../../config/notation/sysctl-keys.ts';
import type { Host } from '../../../host/host.ts';
import { parseSysctls } from './sysctl-files.ts';

export interface SysctlDeed {
  readonly line: number;
  /** Below /proc/sys; a pattern if a variable or a glob is part of the name. */
  readonly path: string;
  readonly value: string;
  /** Whether the command may not run, or with another value: it is inside a condition, or has a variable in it. */
  readonly unsure: boolean;
}

/** The commands in a script, or in one line of it. `known`: values of variables. */
export function sysctlDeeds(host: Host, text: string, known: Readonly<Record<string, string>> = {}): SysctlDeed[] {
  if (!/sysctl|\/proc\/sys\//.test(text)) return [];
  const lines = text.split('\n');
  const loops: Record<string, readonly string[]> = {};
  let printed = '';
  return allCommands(text).flatMap((command) => {
    const [program = '', ...words] = command.words.map((word) => unquoted(word, known));
    if (program === 'for' && words[1] === 'in') loops[words[0] ?? ''] = words.slice(2);
    const name = program.slice(program.lastIndexOf('/') + 1);
    const unsure = !isSure(lines[command.line - 1] ?? '', command);
    const set = (path: string, value: string) =>
      withLoops(path, loops).map((one) => {
        const isVague = one.includes('$') || value.includes('$');
        return { line: command.line, path: one.replaceAll(VARIABLE, '*'), value, unsure: unsure || isVague };
      });
    if (name === 'sysctl') return ofSysctl(host, words, set);
    if (name === 'echo' || name === 'printf') printed = words.filter((word) => !/^-[neE]+$/.test(word)).join(' ');
    const files = name === 'tee' ? words : command.writes.map((word) => unquoted(word, known));
    return files.flatMap((file) => {
      return withLoops(file, loops).flatMap((one) => {
        const path = /^\/proc\/sys\/(.+)$/.exec(one)?.[1];
        return path === undefined ? [] : set(path, printed.replace(/\\n$/, ''));
      });
    });
  });
}

const VARIABLE = /\$\{?\w+\}?/g;

function ofSysctl(
  host: Host,
  words: readonly string[],
  set: (path: string, value: string) => SysctlDeed[],
): SysctlDeed[] {
  return words.flatMap((word, index) => {
    const long = /^--load(?:=(.*))?$/.exec(word);
    if (long !== null || /^-\w*[pf]$/.test(word)) {
      const next = words[index + 1];
      const file = long?.[1] ?? (next === undefined || next.startsWith('-') ? '/etc/sysctl.conf' : next);
      const text = host.stat(file)?.isFile() ? (host.readText(file) ?? '') : '';
      return parseSysctls(file, text).flatMap(({ path, value }) => set(path, value));
    }
    const [, key, value] = /^([^-=][^=]*)=(.*)$/s.exec(word) ?? [];
    return key === undefined || value === undefined ? [] : set(sysctlPath(key), value.trim());
  });
}

/** Whether the command begins an unindented line: in that case no condition decides whether the command runs. */
function isSure(line: string, { words, inFunction, inSubshell }: ShellCommand): boolean {
  return !inFunction && !inSubshell && line.startsWith(words[0] ?? '\0');
}

function withLoops(text: string, loops: Readonly<Record<string, readonly string[]>>): string[] {
  const [whole, name = ''] = /\$\{?(\w+)\}?/.exec(text) ?? [];
  const values = whole === undefined ? undefined : loops[name];
  return values?.map((value) => text.replace(whole ?? '', value)) ?? [text];
}

/** The word as the shell would read it, except for unknown variables. */
function unquoted(word: string, known: Readonly<Record<string, string>>): string {
  return word
    .replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double)
    .replace(/\$\{?(\w+)\}?/g, (whole, name: string) => known[name] ?? whole);
}
