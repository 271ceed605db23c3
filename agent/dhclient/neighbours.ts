/** Other hooks of dhclient-script: all are sourced into one shell, so each can undo or break what ours does. */
import { dirname } from 'node:path';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { HookPlaces } from './hook-places.ts';

export interface Neighbour {
  readonly file: string;
  readonly text: string;
  readonly when: 'enter' | 'exit';
  /** Whether it is sourced after ours. */
  readonly after: boolean;
}

/** In the order in which they are sourced: the single file, then the folder in run-parts' order. */
export function neighbours(host: Host, places: HookPlaces, when: 'enter' | 'exit'): Neighbour[] {
  const ours = places[when];
  if (places.shared) {
    const text = host.stat(ours)?.isFile() ? host.readText(ours) : null;
    return text === null ? [] : aroundOurs(text).map((part) => ({ ...part, file: ours, when }));
  }
  const folder = dirname(ours);
  const files = [
    folder.replace(/\.d$/, ''),
    ...host
      .list(folder)
      .filter(isRun)
      .map((name) => `${folder}/${name}`),
  ];
  return files
    .filter((file) => file !== ours && host.stat(file)?.isFile())
    .map((file) => ({ file, text: host.readText(file) ?? '', when, after: file > ours }));
}

/** run-parts(8). */
export function isRun(name: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(name);
}

export interface Deed {
  readonly deed: 'redefines' | 'writes' | 'sets';
  /** `file:line: text`. */
  readonly seen: string;
}

/** The lines that redefine make_resolv_conf, write resolv.conf themselves, or set what the lease is to say. */
export function deeds({ file, text }: Neighbour): Deed[] {
  const found: Deed[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line.startsWith('#')) continue;
    const seen = `${file}:${index + 1}: ${line}`;
    if (/\bmake_resolv_conf\s*\(\s*\)/.test(line)) found.push({ deed: 'redefines', seen });
    if (WRITES.test(line)) found.push({ deed: 'writes', seen });
    if (/(^|[\s;&|])new_\w+=/.test(line)) found.push({ deed: 'sets', seen });
  }
  return found;
}

/** Those that come after ours and so have the last word: at a lease, nothing is certain then. */
export function overruling(host: Host, places: HookPlaces): Deed[] {
  const enter = neighbours(host, places, 'enter').filter(({ after }) => after);
  // make_resolv_conf has run by the time of these, so only what writes counts.
  const exit = neighbours(host, places, 'exit').flatMap(deeds);
  return [...enter.flatMap(deeds), ...exit.filter(({ deed }) => deed === 'writes')];
}

/** What stands above our block in a file that others share, and what below it, with the line numbers of the whole. */
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

/** A redirection into it, or a program that writes its operand; a reader's `<` and `grep` are not meant. */
const WRITES = new RegExp(
  `>[|]?\\s*["']?${RESOLV_CONF}\\b(?!\\.)|\\b(cp|mv|ln|tee|install|truncate|sed\\s+-i\\S*|chattr)\\b.*\\s["']?${RESOLV_CONF}["']?\\s*($|[;&|#>]|2>)`,
);
