/** The files that a dhclient-script sources or runs, as far as they are shell scripts. */
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import { readShell } from '../../shell/shell.ts';
import type { ShellCommand, ShellFunction } from '../../shell/shell-types.ts';
import { NO_SHELL } from '../hooks/hook-places.ts';

/** Limit in characters. */
const LONGEST = 262_144;

/** A command or a definition, in the order of the text. */
export type ScriptStep =
  | { readonly command: ShellCommand; readonly definition?: never }
  | { readonly command?: never; readonly definition: ShellFunction; readonly index: number };

export interface ScriptFile {
  readonly path: string;
  /** The steps of each function by its index, and those outside of functions under null. */
  readonly steps: ReadonlyMap<number | null, readonly ScriptStep[]>;
}

/** null if no regular file is there, or it cannot be read; `too long` if it exceeds LONGEST. */
export function scriptFile(host: Host, path: string): ScriptFile | 'too long' | null {
  const text = path.startsWith('/') && host.stat(path)?.isFile() ? nullIfRefused(() => host.readText(path)) : null;
  if (text === null) return null;
  return text.length > LONGEST ? 'too long' : { path, steps: stepsOf(text) };
}

/** Whether the file is a program for a shell, which can be read as its caller can. */
export function isShellProgram(host: Host, path: string): boolean {
  if (!path.startsWith('/') || !host.stat(path)?.isFile()) return false;
  const text = nullIfRefused(() => host.readText(path));
  return text !== null && /^#!/.test(text) && !NO_SHELL.test(text);
}

/** The files that the word may mean: itself, or those that match its pattern in a known folder. */
export function filesOf(host: Host, path: string): string[] {
  if (!/[$`*?[]/.test(path)) return [path];
  const [, folder = '', name = ''] = /^(.*)\/([^/]*)$/.exec(path) ?? [];
  if (!folder.startsWith('/') || /[$`*?[]/.test(folder)) return [];
  const parts = name.split(/(?:\$\{\w+[^}]*\}|\$\w+|\*|\?|\[[^\]]*\])+/);
  return host
    .list(folder)
    .filter((one) => fits(one, parts))
    .map((one) => `${folder}/${one}`);
}

/** Whether the name has these parts in this order, the first at its beginning and the last at its end. */
function fits(name: string, parts: readonly string[]): boolean {
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = 0;
  for (const part of parts) {
    const next = name.indexOf(part, at);
    if (next === -1) return false;
    at = next + part.length;
  }
  return true;
}

/** The steps of the last texts: one look walks through the same script for each event. */
const read = new Map<string, ScriptFile['steps']>();
const MOST_KEPT = 10;

export function stepsOf(text: string): ScriptFile['steps'] {
  const known = read.get(text);
  if (known !== undefined) return known;
  const { commands, functions } = readShell(text);
  const steps = new Map<number | null, ScriptStep[]>();
  const add = (around: number | null, step: ScriptStep) => {
    const before = steps.get(around);
    if (before === undefined) steps.set(around, [step]);
    else before.push(step);
  };
  let next = 0;
  for (let at = 0; at <= commands.length; at += 1) {
    for (; functions[next]?.at === at; next += 1) {
      const definition = functions[next] as ShellFunction;
      add(definition.function, { definition, index: next });
    }
    const command = commands[at];
    if (command !== undefined) add(command.function, { command });
  }
  if (read.size >= MOST_KEPT) read.clear();
  read.set(text, steps);
  return steps;
}
