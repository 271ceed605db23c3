/** The lines of all files that a dnsmasq reads as configuration. */
import type { Host } from '../../host/host.ts';
import type { DnsmasqSources } from '../dnsmasq/readers.ts';
import { readsName } from './dnsmasq-split.ts';

export interface DnsmasqLine {
  readonly file: string;
  readonly line: number;
  readonly key: string;
  /** Empty if the option has none. */
  readonly value: string;
}

export interface DnsmasqLines {
  readonly lines: readonly DnsmasqLine[];
  /** A line that names further files in a way that Holdfast cannot follow; null if there is none. */
  readonly beyond: DnsmasqLine | null;
}

/** `isLeftOut`: files that are not read. */
export function dnsmasqLines(
  host: Host,
  { main, folders }: DnsmasqSources,
  isLeftOut: (file: string) => boolean,
): DnsmasqLines {
  const todo = [...main, ...folders.flatMap(({ folder, endings }) => filesIn(host, folder, endings))];
  const seen = new Set<string>();
  const lines: DnsmasqLine[] = [];
  let beyond: DnsmasqLine | null = null;
  for (let file = todo.shift(); file !== undefined; file = todo.shift()) {
    if (seen.has(file) || isLeftOut(file)) continue;
    seen.add(file);
    for (const one of linesOf(file, host.readText(file) ?? '')) {
      lines.push(one);
      if (one.key !== 'conf-file' && one.key !== 'conf-dir') continue;
      const [path = '', ...endings] = one.key === 'conf-dir' ? one.value.split(',') : [one.value];
      if (!/^\/[^*?[]*$/.test(path)) beyond ??= one;
      else todo.push(...(one.key === 'conf-file' ? [path] : filesIn(host, path, endings)));
    }
  }
  return { lines, beyond };
}

/** `#` begins a comment only at the beginning of a line, or after a blank. */
function linesOf(file: string, text: string): DnsmasqLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const [, key, value = ''] = /^\s*([a-z][a-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(raw.replace(/(^|\s)#.*/, '')) ?? [];
    return key === undefined ? [] : [{ file, line: index + 1, key, value: value.trim().replace(/^"(.*)"$/, '$1') }];
  });
}

/** The files that dnsmasq reads for `conf-dir`. */
function filesIn(host: Host, folder: string, endings: readonly string[]): string[] {
  const names = host.list(folder).filter((name) => readsName(endings, name));
  return names.map((name) => `${folder.replace(/\/+$/, '')}/${name}`).filter((file) => host.stat(file)?.isFile());
}
