/**
 * The deeds of a hook of another author. A client's script sources all hooks into one shell, so each hook can undo or
 * break the work of ours.
 */
import type { Host } from '../host/host.ts';
import { isUnitInstalled } from '../host/service/units.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { type Doubt, doubtsIn } from './shell/harmless.ts';
import { lastingIn, sourcedIn } from './shell/lasting.ts';
import type { ShellCommand } from './shell/shell.ts';

export interface NeighbourHook {
  readonly file: string;
  readonly text: string;
  readonly when: 'enter' | 'exit';
  /** Whether the hook is sourced after ours. */
  readonly after: boolean;
}

/** Limit in characters: a longer hook is only checked for its syntax. */
export const LONGEST = 262_144;

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

/** A redirection into the file, or a program that writes its operand; a reader's `<` and `grep` do not match. */
const WRITES = new RegExp(
  `>[|]?\\s*["']?${RESOLV_CONF}\\b(?!\\.)|\\b(cp|mv|ln|tee|install|truncate|rm|unlink|sed\\s+-i\\S*|chattr)\\b.*\\s["']?${RESOLV_CONF}["']?\\s*($|[;&|#>]|2>)`,
);
