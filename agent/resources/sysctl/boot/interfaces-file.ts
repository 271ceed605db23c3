/** The statements of ifupdown's interfaces(5), with the files that they take in. */
import { matchesGlob } from 'node:path';
import type { Host } from '../../../host/host.ts';
import { INTERFACES } from './script-places.ts';

export interface InterfacesFile {
  /** The interfaces that come up at boot. */
  readonly automatic: ReadonlySet<string>;
  readonly stanzas: readonly InterfaceStanza[];
}

/** One `iface` statement. */
export interface InterfaceStanza {
  readonly iface: string;
  /** `inet`, `inet6`. */
  readonly family: string;
  /** `static`, `dhcp`, `auto` … */
  readonly method: string;
  readonly file: string;
  readonly line: number;
  readonly options: readonly InterfaceOption[];
}

interface InterfaceOption {
  readonly name: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export function interfacesFile(host: Host): InterfacesFile {
  return read(host, INTERFACES, 0);
}

function read(host: Host, file: string, depth: number): InterfacesFile {
  const automatic = new Set<string>();
  const stanzas: InterfaceStanza[] = [];
  let current: InterfaceOption[] | null = null;
  if (!host.stat(file)?.isFile() || depth > 5) return { automatic, stanzas };
  for (const { text, line } of joinedLines(host.readText(file) ?? '')) {
    const [word = '', ...rest] = text.trim().split(/\s+/);
    if (word === 'auto' || word.startsWith('allow-')) for (const name of rest) automatic.add(name);
    else if (word === 'iface') {
      const [iface = '', family = '', method = ''] = rest;
      current = [];
      stanzas.push({ iface, family, method, file, line, options: current });
    } else if (word === 'source' || word === 'source-directory') {
      for (const path of rest.flatMap((one) => matching(host, one, word === 'source-directory'))) {
        const below = read(host, path, depth + 1);
        for (const name of below.automatic) automatic.add(name);
        stanzas.push(...below.stanzas);
      }
    } else current?.push({ name: word, value: text.trim().slice(word.length).trim(), file, line });
  }
  return { automatic, stanzas };
}

/** Only the last part of the path is read as a pattern, as in `/etc/network/interfaces.d/*`. */
function matching(host: Host, pattern: string, isFolder: boolean): string[] {
  const path = pattern.startsWith('/') ? pattern : `/etc/network/${pattern}`;
  const cut = path.lastIndexOf('/');
  const [folder, last] = isFolder ? [path, '*'] : [path.slice(0, cut), path.slice(cut + 1)];
  const names = host.list(folder).filter((name) => !name.startsWith('.') && matchesGlob(name, last));
  return names.map((name) => `${folder}/${name}`);
}

/** Lines that are no comment; a backslash at the end of a line joins the next line to it. */
export function joinedLines(text: string): { text: string; line: number }[] {
  const found: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const joined: { text: string; line: number } = open ?? { text: '', line: index + 1 };
    joined.text += raw.replace(/\\$/, ' ');
    open = raw.endsWith('\\') ? joined : null;
    if (open === null && !/^\s*[#;]/.test(joined.text)) found.push(joined);
  }
  return found;
}
