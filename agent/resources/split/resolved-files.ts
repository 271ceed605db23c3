/** The configuration files of systemd-resolved that count, of every folder that it reads. */
import { STUBS } from '../../clients/resolved.ts';
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { SPLIT_FILE } from './split-view.ts';

export const RESOLVED_FOLDERS = ['/etc/systemd', '/run/systemd', '/usr/local/lib/systemd', '/usr/lib/systemd'];
/** Our file of global servers, for systemd before 258. */
export const RESOLVED_SPLIT_FILE = `/etc/systemd/resolved.conf.d/${SPLIT_FILE}.conf`;
const DELEGATE = '.dns-delegate';

/** In the order in which systemd-resolved reads them. The first folder wins if two have a file of the same name. */
export function resolvedConfFiles(host: Host): string[] {
  const main = RESOLVED_FOLDERS.map((folder) => `${folder}/resolved.conf`).find((file) => host.stat(file) !== null);
  const dropIns = filesBelow(host, 'resolved.conf.d', '.conf');
  return main === undefined ? dropIns : [main, ...dropIns];
}

/** A domain with its own servers, by systemd.dns-delegate(5). */
export interface DnsDelegate {
  readonly id: string;
  /** The lines of its section `Delegate`, with those of its drop-ins. */
  readonly lines: readonly IniLine[];
}

/** systemd before 258 does not read them. */
export function dnsDelegates(host: Host): DnsDelegate[] {
  return filesBelow(host, 'dns-delegate.d', DELEGATE).map((file) => {
    const id = file.slice(file.lastIndexOf('/') + 1, -DELEGATE.length);
    const files = [file, ...filesBelow(host, `dns-delegate.d/${id}${DELEGATE}.d`, '.conf')];
    return { id, lines: files.flatMap((one) => iniLines(host, one)).filter(({ section }) => section === 'Delegate') };
  });
}

export interface PlacedWord {
  readonly word: string;
  /** `FILE:LINE`. */
  readonly place: string;
}

/** Lines of one key add up, and an empty one forgets those before. */
export function wordsOfKey(options: readonly IniLine[], wanted: string): PlacedWord[] {
  const lines = options.filter(({ key }) => key === wanted);
  return lines.slice(lines.findLastIndex(({ value }) => value === '') + 1).flatMap((line) => {
    return line.value
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => ({ word, place: placeOfIni(line) }));
  });
}

/** The name of a search domain or a routing domain: without `~` and without the dot at its end. */
export function bareDomain(word: string): string {
  return word.replace(/^~/, '').replace(/(.)\.$/, '$1');
}

export const placeOfIni = ({ file, line }: IniLine) => `${file}:${line}`;

function filesBelow(host: Host, name: string, ending: string): string[] {
  const byName = new Map<string, string>();
  for (const folder of RESOLVED_FOLDERS.toReversed().map((one) => `${one}/${name}`)) {
    for (const file of host.list(folder)) if (file.endsWith(ending)) byName.set(file, `${folder}/${file}`);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

/** Why the C library does not ask systemd-resolved, with the cure; null if it does. */
export function pastResolved(host: Host): string | null {
  const libc = effectiveValues(host.readTextUnlessAstray(RESOLV_CONF) ?? '', 'nameserver') ?? [];
  if (libc.every((server) => STUBS.includes(server))) return null;
  return `programs that read ${RESOLV_CONF} ask ${libc.join(' and ')} past systemd-resolved: link it to /run/systemd/resolve/stub-resolv.conf`;
}
