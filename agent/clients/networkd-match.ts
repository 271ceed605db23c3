/** Which `.network` files fit a link (systemd.network(5), [Match]): its names may change while the host runs. */
import { matchesGlob } from 'node:path';
import type { Host } from '../host/host.ts';
import { keptNames, networkFiles } from './networkd-dropin.ts';
import type { NetworkdLink } from './networkd-links.ts';

/**
 * The `.network` files, by name, that need a drop-in for these links: those in force, those that might come into force for
 * one of them, and those that were in force once. A file that serves another link now is left alone.
 * @param links the links that carry name servers; `all`: every link of systemd-networkd.
 */
export function networkNames(host: Host, links: readonly NetworkdLink[], all: readonly NetworkdLink[]): string[] {
  const inForce = new Set(links.map(({ networkFile }) => networkFile));
  const ofOthers = new Set(all.filter((link) => !links.includes(link)).map(({ networkFile }) => networkFile));
  const fitting = [...networkFiles(host)]
    .filter(([, file]) => links.some(({ name }) => mayFit(host, file, name)))
    .map(([name]) => name);
  const others = [...fitting, ...keptNames(host)].filter((name) => !ofOthers.has(name));
  return [...new Set([...inForce, ...others])].sort();
}

/** The `.network` files that a systemd-networkd which does not run yet may take name servers from, by name. */
export function namesOfNextStart(host: Host): string[] {
  const files = [...networkFiles(host)].filter(([, file]) => {
    const text = textOf(host, file);
    const says = (key: string) =>
      [...text.matchAll(new RegExp(`^\\s*${key}\\s*=\\s*(.*?)\\s*$`, 'gim'))].at(-1)?.[1] ?? '';
    if (/^(yes|true|on|1|both|ipv[46]|v[46])$/i.test(says('DHCP'))) return true;
    return says('DNS') !== '' && says('Gateway') !== '';
  });
  return [...new Set([...files.map(([name]) => name), ...keptNames(host)])].sort();
}

/** false only where the file certainly serves other links: by name, address or type. All else may come to fit. */
function mayFit(host: Host, file: string, link: string): boolean {
  const match = section(textOf(host, file), 'Match');
  if (match === null) return false;
  const address = host.readText(`/sys/class/net/${link}/address`)?.trim() ?? '';
  return (
    fits(match.get('Name'), (pattern) => matchesGlob(link, pattern)) &&
    fits(match.get('MACAddress'), (one) => address === '' || one.toLowerCase().replace(/[-.]/g, ':') === address) &&
    fits(match.get('Type'), (pattern) => typeOf(host, link).some((type) => matchesGlob(type, pattern)))
  );
}

/** A list of alternatives; one that begins with "!" is a list of what is not meant. */
function fits(words: readonly string[] | undefined, is: (word: string) => boolean): boolean {
  if (words === undefined || words.length === 0) return true;
  const [first = '', ...rest] = words;
  return first.startsWith('!') ? ![first.slice(1), ...rest].some(is) : words.some(is);
}

/** As networkctl(1) calls it, as far as /sys says so; systemd's words for rarer ones are not known here. */
function typeOf(host: Host, link: string): string[] {
  const folder = `/sys/class/net/${link}`;
  const device = /^DEVTYPE=(.*)$/m.exec(host.readText(`${folder}/uevent`) ?? '')?.[1];
  if (device !== undefined) return [device];
  const hardware = host.readText(`${folder}/type`)?.trim();
  return [hardware === '772' ? 'loopback' : 'ether'];
}

/** The keys of a section with their words, in order: an empty assignment forgets what came before. null: no such section. */
function section(text: string, wanted: string): Map<string, string[]> | null {
  let found: Map<string, string[]> | null = null;
  let inside = false;
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const head = /^\[([^\]]*)\]/.exec(line)?.[1];
    if (head !== undefined) inside = head === wanted;
    if (!inside) continue;
    found ??= new Map();
    const [, key, value = ''] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) continue;
    const words = value.split(/\s+/).filter((word) => word !== '');
    found.set(key, words.length === 0 ? [] : [...(found.get(key) ?? []), ...words]);
  }
  return found;
}

/** "" for a file that is masked by a link to /dev/null, or that cannot be read. */
function textOf(host: Host, file: string): string {
  return host.stat(file)?.isFile() ? (host.readText(file) ?? '') : '';
}
