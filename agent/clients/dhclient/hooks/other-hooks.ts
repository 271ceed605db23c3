/**
 * Other hooks of dhclient-script. The script sources all hooks into one shell, so each hook can undo or break the work
 * of ours.
 */
import { dirname } from 'node:path';
import type { Host } from '../../../host/host.ts';
import { isUnitInstalled } from '../../../host/service/units.ts';
import { RESOLV_CONF } from '../../../resolver/resolv-conf.ts';
import { scriptsInUse } from '../dhclient-scripts.ts';
import { type Doubt, doubtsIn } from '../shell/harmless.ts';
import { lastingIn, sourcedIn } from '../shell/lasting.ts';
import { commandsHere, type ShellCommand } from '../shell/shell.ts';
import type { HookPlaces } from './hook-places.ts';

export interface NeighbourHook {
  readonly file: string;
  readonly text: string;
  readonly when: 'enter' | 'exit';
  /** Whether the hook is sourced after ours. */
  readonly after: boolean;
}

/** The hooks in the order of sourcing: the single file first, and the folder afterwards in run-parts' order. */
export function neighbours(host: Host, places: HookPlaces, when: 'enter' | 'exit'): NeighbourHook[] {
  const ours = places[when];
  const scripts = when === 'exit' ? lateScripts(host, places) : [];
  if (places.shared) {
    const text = host.stat(ours)?.isFile() ? host.readText(ours) : null;
    return [...(text === null ? [] : aroundOurs(text).map((part) => ({ ...part, file: ours, when }))), ...scripts];
  }
  const folder = dirname(ours);
  const files = [
    folder.replace(/\.d$/, ''),
    ...host
      .list(folder)
      .filter(isRun)
      .map((name) => `${folder}/${name}`),
  ];
  return [
    ...files
      .filter((file) => file !== ours && host.stat(file)?.isFile())
      .map((file) => ({ file, text: host.readText(file) ?? '', when, after: file > ours })),
    ...scripts,
  ];
}

/** RHEL's script sources these files after it has made resolv.conf, and calls a function of each. */
function lateScripts(host: Host, { scripts }: HookPlaces): NeighbourHook[] {
  if (scripts === null) return [];
  return host
    .list(scripts)
    .filter((name) => /^[^.].*\.sh$/.test(name))
    .map((name) => `${scripts}/${name}`)
    .filter((file) => host.stat(file)?.isFile() && (host.stat(file)!.mode & 0o111) !== 0)
    .map((file) => ({ file, text: host.readText(file) ?? '', when: 'exit', after: true }));
}

/** Whether run-parts(8) runs a file of this name. */
export function isRun(name: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(name);
}

export interface Deed {
  /** `perhaps`: the hook may undo the work of ours. */
  readonly deed: 'redefines' | 'writes' | 'sets' | 'perhaps';
  /** `file:line: text`. */
  readonly seen: string;
}

/** One sentence for each hook of these deeds: its first line in full, and the numbers of its other lines. */
export function briefly(deeds: readonly Deed[]): string[] {
  const byHook = Map.groupBy(deeds, ({ seen }) => PLACE.exec(seen)?.[1] ?? seen);
  return [...byHook.values()].map(([first, ...others]) => {
    const lines = [...new Set(others.map(({ seen }) => PLACE.exec(seen)?.[2]))];
    const shown = lines.slice(0, LINES_SHOWN).join(', ') + (lines.length > LINES_SHOWN ? ' …' : '');
    return first!.seen + (lines.length === 0 ? '' : `; also line${lines.length > 1 ? 's' : ''} ${shown}`);
  });
}

const PLACE = /^(.*?):(\d+): /;
const LINES_SHOWN = 5;

/** The lines that redefine make_resolv_conf, write resolv.conf directly, or set parts of the lease. */
export function deeds({ file, text }: NeighbourHook): Deed[] {
  const found: Deed[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line.startsWith('#')) continue;
    const seen = `${file}:${index + 1}: ${line}`;
    if (/\bmake_resolv_conf\s*\(\s*\)|\bfunction\s+make_resolv_conf\b/.test(line))
      found.push({ deed: 'redefines', seen });
    if (WRITES.test(line)) found.push({ deed: 'writes', seen });
    if (/(^|[\s;&|])new_\w+=/.test(line)) found.push({ deed: 'sets', seen });
  }
  return found;
}

/**
 * The hooks that run after ours and so have the last word. With such a hook, resolv.conf is uncertain at every lease.
 */
export function overrulingHooks(host: Host, places: HookPlaces): Deed[] {
  const all = neighbours(host, places, 'enter');
  const enter = all.filter(({ after }) => after);
  // make_resolv_conf has already run before these hooks, so only direct writes count.
  const exit = neighbours(host, places, 'exit').flatMap(deeds);
  return [
    ...enter.flatMap(deeds),
    ...exit.filter(({ deed }) => deed === 'writes'),
    ...neighbours(host, places, 'exit').flatMap((hook) => unknown(host, hook)),
    ...enter.flatMap((hook) => unknown(host, hook)),
    ...all.filter(({ after }) => !after).flatMap((hook) => lasting(host, hook)),
  ];
}

/** The remains of a hook before ours that may act after ours, including the files that the hook sources. */
export function lasting(host: Host, hook: NeighbourHook, depth = 0): Deed[] {
  if (hook.text.length > LONGEST || depth > DEEPEST) return tooLong(hook);
  const sourced = sourcedIn(hook.text).flatMap(({ path, line, word }): Deed[] => {
    if (path === null) return asDeeds(hook, [{ line, why: `it sources ${word}` }]);
    const text = host.stat(path)?.isFile() ? host.readText(path) : null;
    return text === null ? [] : lasting(host, { ...hook, file: path, text }, depth + 1);
  });
  return [...asDeeds(hook, lastingIn(hook.text, linked(host))), ...sourced];
}

/** Limit for files that source each other. */
const DEEPEST = 4;

/** The lines that are neither certainly harmless nor certainly harmful. */
export function unknown(host: Host, hook: NeighbourHook): Deed[] {
  if (hook.text.length > LONGEST) return tooLong(hook);
  const certain = new Set(deeds(hook).map(({ seen }) => seen));
  const lines = hook.text.split('\n');
  const doubts = doubtsIn(hook.text, linked(host), (command) => asksOfMissingUnit(host, command)).filter(({ line }) => {
    return !certain.has(`${hook.file}:${line}: ${(lines[line - 1] ?? '').trim()}`);
  });
  return asDeeds(hook, doubts);
}

function linked(host: Host): string[] {
  return host.lstat(RESOLV_CONF)?.isSymbolicLink() ? [host.target(RESOLV_CONF)] : [];
}

function asDeeds({ file }: NeighbourHook, doubts: readonly Doubt[]): Deed[] {
  return doubts.map(({ line, why }) => ({ deed: 'perhaps', seen: `${file}:${line}: ${why}` }));
}

function tooLong({ file }: NeighbourHook): Deed[] {
  return [{ deed: 'perhaps', seen: `${file}: it is too long to be read, or sources itself` }];
}

/**
 * `systemctl is-enabled UNIT` or `is-active UNIT` for a unit that this host does not have. Debian 13 guards its own
 * hook this way.
 */
function asksOfMissingUnit(host: Host, { words }: ShellCommand): boolean {
  const [program, verb, unit, ...more] = words.filter((word) => !/^(-q|--quiet)$/.test(word));
  if (program !== 'systemctl' || !/^is-(enabled|active)$/.test(verb ?? '') || more.length > 0) return false;
  return /^[\w.-]+$/.test(unit ?? '') && !unit?.startsWith('-') && !isUnitInstalled(host, unit as string);
}

/**
 * A command that ends dhclient-script, or may end it early, before or after our hook. `exit` in a function counts only
 * if the function is called.
 */
export interface Ending {
  readonly kind: 'exit' | 'option' | 'syntax';
  /** `file:line: text`. */
  readonly seen: string;
  readonly inFunction: boolean;
}

/** Limit in characters: a longer hook is only checked for its syntax. */
const LONGEST = 262_144;

export function endings(host: Host, hook: NeighbourHook): Ending[] {
  const complaint = complaintOf(host, hook);
  const syntax = complaint === null ? [] : [{ kind: 'syntax', seen: complaint, inFunction: false } as const];
  if (hook.text.length > LONGEST) return syntax;
  const all = commandsHere(hook.text);
  const fatal = all.flatMap(({ words, line, inFunction }, index): Ending[] => {
    const seen = `${hook.file}:${line}: ${words.join(' ')}`;
    const option = optionSet(words);
    // After `set -n` the shell carries out nothing that could take the option back.
    const reset = option !== 'n' && all.slice(index).some((later) => optionSet(later.words, '+') === option);
    return [
      ...(endsShell(words) ? [{ kind: 'exit', seen, inFunction } as const] : []),
      ...(option !== null && !reset ? [{ kind: 'option', seen, inFunction } as const] : []),
    ];
  });
  return [...syntax, ...fatal];
}

/** `exec` with a program replaces the shell; with redirections only, the shell goes on. */
function endsShell([command, ...operands]: readonly string[]): boolean {
  if (command === 'exec') return operands.length > 0;
  return command === 'exit' || (command === 'kill' && operands.some((word) => /^"?\$(\$|\{\$\})"?$/.test(word)));
}

/**
 * The complaint of the shell that dhclient-script names in its first line. The shell only reads the hook. null if the
 * shell has no complaint.
 */
function complaintOf(host: Host, { file, text }: NeighbourHook): string | null {
  const [script] = scriptsInUse(host);
  const first = script !== undefined && host.stat(script.path)?.isFile() ? (host.readText(script.path) ?? '') : '';
  const shell = /^#![^\n]*\bbash\b/.test(first) ? 'bash' : 'sh';
  const known = complaints.get(`${shell} ${text}`);
  if (known !== undefined) return known === '' ? null : `${file}: ${known}`;
  const { status, stderr } = host.run(shell, ['-n'], { input: text });
  const said = status === null || status === 0 ? '' : `${shell} -n says: ${stderr.trim().split('\n')[0] ?? ''}`;
  if (complaints.size > 100) complaints.clear();
  complaints.set(`${shell} ${text}`, said);
  return said === '' ? null : `${file}: ${said}`;
}

/** The shell's complaint by shell and text; '' if there is none. The daemon looks repeatedly, so complaints are kept. */
const complaints = new Map<string, string>();

/** `set -e`, `set -eu`, `set -o errexit` …: the option that makes a script end early; null for all other commands. */
function optionSet([command, ...words]: readonly string[], sign: '-' | '+' = '-'): 'e' | 'u' | 'n' | null {
  if (command !== 'set') return null;
  for (const [index, word] of words.entries()) {
    if (word === '--') return null;
    if (!word.startsWith(sign)) continue;
    const long = word === `${sign}o` ? words[index + 1] : undefined;
    if (long === 'errexit' || (long === undefined && word.includes('e'))) return 'e';
    if (long === 'noexec' || (long === undefined && word.includes('n'))) return 'n';
    if (long === 'nounset' || (long === undefined && word.includes('u'))) return 'u';
  }
  return null;
}

/** The text above and below our block in a shared file, with the line numbers of the whole file. */
function aroundOurs(text: string): { text: string; after: boolean }[] {
  const block = /^# BEGIN holdfast$.*?^# END holdfast$/ms.exec(text);
  if (block === null) return [{ text, after: false }];
  const end = block.index + block[0].length;
  const below = text.slice(0, end).replace(/[^\n]+/g, '') + text.slice(end);
  return [
    { text: text.slice(0, block.index), after: false },
    ...(below.trim() === '' ? [] : [{ text: below, after: true }]),
  ];
}

/** A redirection into the file, or a program that writes its operand; a reader's `<` and `grep` do not match. */
const WRITES = new RegExp(
  `>[|]?\\s*["']?${RESOLV_CONF}\\b(?!\\.)|\\b(cp|mv|ln|tee|install|truncate|rm|unlink|sed\\s+-i\\S*|chattr)\\b.*\\s["']?${RESOLV_CONF}["']?\\s*($|[;&|#>]|2>)`,
);
