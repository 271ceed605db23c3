/** The domains that unbound asks at servers of their own, by its clauses `forward-zone`. */
import type { SplitFacts, SplitLine } from '../../../config/init/host-facts.ts';
import type { Host } from '../../../host/host.ts';
import type { Process } from '../../../host/process/processes.ts';
import { SPLIT_FILE } from '../../../resources/split/split-view.ts';
import { unboundMain } from '../../../resources/split/unbound-conf.ts';

interface Option {
  readonly place: string;
  readonly key: string;
  readonly value: string;
}

interface Zone {
  readonly place: string;
  readonly kind: string;
  readonly options: Option[];
}

const CLAUSE =
  /^(server|forward-zone|stub-zone|auth-zone|remote-control|view|python|dynlib|dnscrypt|cachedb|dnstap|rpz|ipset|dnssec|redis):$/;
/** Options that change nothing about whom unbound asks. */
const SAME_AS_NO = /^(no|0)$/;

export function unboundSplitFacts(host: Host, process: Process | null): SplitFacts {
  const zones: Zone[] = [];
  const notes = read(host, unboundMain(host, process), zones, new Set());
  const lines = zones.flatMap(splitLine);
  return {
    lines,
    inactive:
      notes[0] ??
      'unbound forwards these domains by its own files, and takes no domain twice: take the clauses out there, and uncomment this',
    notes,
    advice: null,
  };
}

/** Returns a sentence for each include that is not followed. */
function read(host: Host, file: string, zones: Zone[], seen: Set<string>): string[] {
  if (seen.has(file) || file.includes(SPLIT_FILE)) return [];
  seen.add(file);
  const words = wordsOf(host.readText(file) ?? '');
  const notes: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const { text: word, line } = words[at]!;
    const place = `${file}:${line}`;
    if (CLAUSE.test(word)) zones.push({ place, kind: word.slice(0, -1), options: [] });
    else if (word.endsWith(':')) {
      at += 1;
      const value = words[at]?.text ?? '';
      if (word !== 'include:' && word !== 'include-toplevel:') {
        zones.at(-1)?.options.push({ place, key: word.slice(0, -1), value });
        continue;
      }
      const files = included(host, value);
      if (files === null) notes.push(`${place}: ${word} ${value} names files that init does not follow`);
      for (const one of files ?? []) notes.push(...read(host, one, zones, seen));
    } else zones.at(-1)?.options.push({ place, key: word, value: '' });
  }
  return notes;
}

/** null if the path cannot be followed. */
function included(host: Host, path: string): string[] | null {
  const [, folder] = /^(\/[^*?[]*)\/\*\.conf$/.exec(path) ?? [];
  if (folder === undefined) return /^\/[^*?[]*$/.test(path) ? [path] : null;
  const names = host.list(folder).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
  return names.map((name) => `${folder}/${name}`);
}

/** Words and quoted texts, without comments. */
function wordsOf(text: string): { readonly text: string; readonly line: number }[] {
  return text
    .split('\n')
    .flatMap((raw, index) =>
      [...raw.matchAll(/#.*|"([^"]*)"|'([^']*)'|[^\s"'#]+/g)]
        .filter(([all]) => !all.startsWith('#'))
        .map(([all, double, single]) => ({ text: double ?? single ?? all, line: index + 1 })),
    );
}

function splitLine({ place, kind, options }: Zone): SplitLine[] {
  const name = options.find(({ key }) => key === 'name')?.value ?? '';
  const domains = [name];
  if (kind === 'stub-zone' && name !== '.')
    return [{ place, domains, servers: [], doubt: 'a stub-zone asks authoritative servers, and dns.split forwards' }];
  if (kind !== 'forward-zone' || name === '.') return [];
  const servers = options.filter(({ key }) => key === 'forward-addr').map(({ value }) => value);
  const other = options.find(({ key, value }) => !['name', 'forward-addr'].includes(key) && !SAME_AS_NO.test(value));
  const special = servers.find((server) => /[@#]/.test(server));
  const doubt =
    other !== undefined
      ? `dns.split has no ${other.key}`
      : special !== undefined
        ? `dns.split has no port and no TLS for ${special}`
        : servers.length === 0
          ? 'it names no address'
          : null;
  return [{ place, domains, servers, doubt }];
}
