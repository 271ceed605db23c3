/** What commands do to the running systemd-networkd: `networkctl reload`, `netplan apply`, `systemctl restart …`. */
import { readShell } from '../clients/shell/shell.ts';
import type { Host } from '../host/host.ts';

/**
 * `reload`: files are read again. `reconfigure`: links are configured anew, and their leases given up. `restart`: the
 * service starts again.
 */
export type NetworkdDeed = 'reload' | 'reconfigure' | 'restart';

export interface DeedSeen {
  /** `file:line`. */
  readonly at: string;
  readonly deed: NetworkdDeed;
  /** The command without its quotes. */
  readonly command: string;
}

/** A longer script is not read. */
const LONGEST = 64 * 1024;
/** How many scripts may call each other, for scripts that call themselves. */
const DEEPEST = 3;
/** Programs that run the command which follows their own words. */
const WRAPPERS =
  /^(sudo|doas|exec|env|timeout|nohup|setsid|nice|ionice|chronic|flock|systemd-run|systemd-cat|\.|source)$/;
const BETWEEN_WORDS = `[\\s'",()\\[\\]]+`;
/** Commands in a program of another language than the shell's: the words as a list, or as one text. */
const ELSEWHERE = new RegExp(
  [
    `networkctl${BETWEEN_WORDS}(?:reload|reconfigure)\\b`,
    `netplan${BETWEEN_WORDS}(?:apply|try)\\b`,
    `systemctl${BETWEEN_WORDS}[a-z-]+${BETWEEN_WORDS}(?:--\\S+${BETWEEN_WORDS})*systemd-networkd\\b(?!-)`,
  ].join('|'),
);

/** The deeds of a command line, and of the scripts that it runs or sources. `at`: its place. */
export function deedsOfLine(host: Host, line: string, at: string): DeedSeen[] {
  return deedsOfShell(host, line, { placed: () => at, known: new Map(), depth: 0 });
}

/** The deeds of a script, and of the scripts that it runs or sources; none if the file is a program or a long one. */
export function deedsOfScript(host: Host, file: string, known = new Map<string, string>(), depth = 0): DeedSeen[] {
  const stats = host.stat(file);
  const text = stats?.isFile() && stats.size <= LONGEST ? (host.readText(file) ?? '') : '';
  // A sourced file needs no `#!`, and a program has a NUL byte.
  if (text.includes('\0')) return [];
  if (/^#!.*(python|perl|ruby)/.test(text)) return deedsElsewhere(text, file);
  return deedsOfShell(host, text, { placed: (line) => `${file}:${line}`, known, depth });
}

interface Reading {
  readonly placed: (line: number) => string;
  readonly known: Map<string, string>;
  readonly depth: number;
}

function deedsOfShell(host: Host, text: string, { placed, known, depth }: Reading): DeedSeen[] {
  const values = new Map(known);
  return readShell(text).commands.flatMap(({ line, words: written, sets }) => {
    for (const set of sets) remember(values, set);
    const words = written.map((word) => plain(word, values));
    if (/^(declare|export|local|readonly|typeset)$/.test(words[0] ?? '')) {
      for (const set of words) remember(values, set);
    }
    const at = placed(line);
    const own = deedOf(words);
    if (own !== null) return [{ at, deed: own, command: words.join(' ').slice(0, 200) }];
    if (depth >= DEEPEST) return [];
    const [first = '', second = '', third = ''] = unwrapped(words);
    if (/(^|\/)(ba|da|k)?sh$/.test(first) && /^-\w*c$/.test(second)) {
      return deedsOfShell(host, third, { placed: () => at, known: values, depth: depth + 1 });
    }
    const script = /(^|\/)(ba|da|k)?sh$/.test(first) ? second : first;
    return script.startsWith('/') ? deedsOfScript(host, script, values, depth + 1) : [];
  });
}

function remember(values: Map<string, string>, set: string): void {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(set) ?? [];
  if (name !== undefined && value !== undefined) values.set(name, plain(value, values));
}

/** The word as the shell would read it, except for unknown variables. */
function plain(word: string, values: ReadonlyMap<string, string>): string {
  return word
    .replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double)
    .replace(/\$\{(\w+):?-([^{}]*)\}/g, (_, name: string, otherwise: string) => values.get(name) ?? otherwise)
    .replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values.get(name) ?? whole);
}

function unwrapped(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word, index) => {
    const isOfWrapper = index > 0 && /^(-.*|\w+=.*|[\d.]+[smhd]?)$/.test(word);
    return !WRAPPERS.test(baseName(word)) && !isOfWrapper;
  });
  return first === -1 ? [] : words.slice(first);
}

function deedOf(all: readonly string[]): NetworkdDeed | null {
  const [program = '', ...rest] = unwrapped(all);
  const words = rest.filter((word) => !word.startsWith('-'));
  const [verb = '', object = ''] = words;
  switch (baseName(program)) {
    case 'networkctl':
      return verb === 'reload' || verb === 'reconfigure' ? verb : null;
    case 'netplan':
      return verb === 'apply' || verb === 'try' ? 'reconfigure' : null;
    case 'systemctl':
      return words.slice(1).some(isNetworkd) ? deedOfVerb(verb) : null;
    case 'service':
      return isNetworkd(verb) ? deedOfVerb(object) : null;
    case 'busctl':
    case 'gdbus':
    case 'dbus-send': {
      if (!words.some((word) => word.includes('org.freedesktop.network1'))) return null;
      if (words.some((word) => /(^|\.)Reload$/.test(word))) return 'reload';
      return words.some((word) => /(^|\.)Reconfigure(Link)?$/.test(word)) ? 'reconfigure' : null;
    }
    default:
      return null;
  }
}

function deedOfVerb(verb: string): NetworkdDeed | null {
  // The service's own ExecReload= is `networkctl reload`.
  if (/^(force-)?reload$/.test(verb)) return 'reload';
  return /restart$|^stop$|^force-reload$/.test(verb) ? 'restart' : null;
}

function isNetworkd(word: string): boolean {
  return /^systemd-networkd(\.service)?$/.test(word);
}

function deedsElsewhere(text: string, file: string): DeedSeen[] {
  return text.split('\n').flatMap((line, index) => {
    const found = /^\s*#/.test(line) ? null : ELSEWHERE.exec(line);
    if (found === null) return [];
    const words = found[0].split(new RegExp(BETWEEN_WORDS));
    const deed = deedOf(words);
    return deed === null ? [] : [{ at: `${file}:${index + 1}`, deed, command: words.join(' ') }];
  });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
