/** Which `.network` files fit a link (systemd.network(5), [Match]). The answer may change while the host runs. */
import type { IniLine } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { DNS_DROP_INS, keptNames } from './drop-in.ts';
import type { NetworkdLink } from './managed-links.ts';
import { networkFiles, networkLines } from './network-lines.ts';

/**
 * The `.network` files, by name, that need a drop-in for these links: files in force, files that might come into force,
 * and files that once were. A file that now serves another link is left alone.
 * @param links the links that carry name servers; `all` means every link of systemd-networkd.
 */
export function networkNames(
  host: Host,
  links: readonly NetworkdLink[],
  all: readonly NetworkdLink[],
  set = DNS_DROP_INS,
): string[] {
  const inForce = new Set(links.map(({ networkFile }) => networkFile));
  const ofOthers = new Set(all.filter((link) => !links.includes(link)).map(({ networkFile }) => networkFile));
  const fitting = [...networkFiles(host)]
    .filter(([file, path]) => {
      const lines = networkLines(host, file, path);
      return links.some(({ name }) => mayFit(host, lines, name));
    })
    .map(([file]) => file);
  const coming = namesToCome(
    host,
    links.map(({ name }) => name),
  );
  const others = [...fitting, ...coming, ...keptNames(host, set)].filter((name) => !ofOthers.has(name));
  return [...new Set([...inForce, ...others])].sort();
}

/** The `.network` files, by name, from which a systemd-networkd that does not run yet may take name servers. */
export function namesOfNextStart(host: Host, set = DNS_DROP_INS): string[] {
  const files = [...networkFiles(host)].filter(([file, path]) => {
    const lines = networkLines(host, file, path);
    const says = (wanted: string) => lines.findLast(({ key }) => key.toLowerCase() === wanted)?.value ?? '';
    if (/^(yes|true|on|1|both|ipv[46]|v[46])$/i.test(says('dhcp'))) return true;
    return says('dns') !== '' && says('gateway') !== '';
  });
  const coming = files.length === 0 ? [] : namesToCome(host, host.list('/sys/class/net'));
  return [...new Set([...files.map(([file]) => file), ...coming, ...keptNames(host, set)])].sort();
}

/**
 * The links that a `.network` file serves: the links for which it is in force, or, if it is in force for none, the links
 * that it may come to serve.
 */
export function servedBy(host: Host, file: string, all: readonly NetworkdLink[]): string[] {
  const inForce = all.filter(({ networkFile }) => networkFile === file).map(({ name }) => name);
  if (inForce.length > 0) return inForce;
  const lines = networkLines(host, file);
  return host.list('/sys/class/net').filter((name) => name !== 'lo' && mayFit(host, lines, name));
}

/** Whether the file has systemd-networkd ask a DHCP server: for IPv4, for IPv6. */
export function asksDhcp(lines: readonly IniLine[]): { readonly ipv4: boolean; readonly ipv6: boolean } {
  const said = lines.findLast(({ section, key }) => section === 'Network' && key === 'DHCP')?.value.toLowerCase() ?? '';
  const both = /^(yes|true|on|y|t|1|both)$/.test(said);
  return { ipv4: both || /^(ip)?v4$/.test(said), ipv6: both || /^(ip)?v6$/.test(said) };
}

/** Amazon's program of ec2-net-utils 2. */
const POLICY_ROUTES = '/usr/bin/setup-policy-routes';

/**
 * Files that a program will make while the host boots: `70-LINK.network`, which is in force from its reload on. Their
 * drop-ins have to be there before, because the first boot of a host has no other moment for them.
 */
function namesToCome(host: Host, links: readonly string[]): string[] {
  if (host.stat(POLICY_ROUTES) === null) return [];
  return links.filter((link) => link !== 'lo').map((link) => `70-${link}.network`);
}

/**
 * False only if the file certainly serves other links. A condition that depends on the host or its udev may come to
 * fit.
 */
function mayFit(host: Host, lines: readonly IniLine[], link: string): boolean {
  const match = lines.filter(({ section }) => section === 'Match');
  // systemd-networkd ignores a file without any condition.
  if (match.length === 0) return false;
  const said = (key: string) => patternsOf(match, key);
  const is = (key: string, value: string | null) => value === null || matches(said(key), value);
  const folder = `/sys/class/net/${link}`;
  const text = (name: string) => host.readText(`${folder}/${name}`)?.trim() ?? '';
  const device = /^DEVTYPE=(.*)$/m.exec(text('uevent'))?.[1] ?? null;
  const address = text('address');
  const isPermanent = text('addr_assign_type') === '0';
  const ofWireless = ['WLANInterfaceType', 'SSID', 'BSSID'].some((key) => said(key).length > 0);
  if (ofWireless && device !== 'wlan') return false;
  return (
    isAddress(said('MACAddress'), address) &&
    isAddress(said('PermanentMACAddress'), isPermanent ? address : '') &&
    is('Type', device ?? typeOf(text('type'))) &&
    is('Kind', kindOf(host, folder, device)) &&
    is('Driver', host.readLink(`${folder}/device/driver`)?.replace(/^.*\//, '') ?? null) &&
    isNamed(host, said('Name'), link, !match.every(({ file }) => /^\/(usr\/)?lib\//.test(file)))
  );
}

/**
 * The words with their `!`; at the beginning of a line, `!` applies to the whole line. An empty assignment forgets the
 * earlier values.
 */
function patternsOf(match: readonly IniLine[], wanted: string): string[] {
  const values = match.filter(({ key }) => key === wanted).map(({ value }) => value);
  return values.slice(values.lastIndexOf('') + 1).flatMap((value) => {
    const words = value.replace(/^!/, '').split(/\s+/);
    return value.startsWith('!') ? words.map((word) => `!${word}`) : words;
  });
}

/** No excluded pattern may match, and one requested pattern must match (systemd's net_condition_test_strv()). */
function matches(patterns: readonly string[], value: string): boolean {
  const asked = patterns.filter((pattern) => !pattern.startsWith('!'));
  if (patterns.some((pattern) => pattern.startsWith('!') && fnmatch(pattern.slice(1), value))) return false;
  return asked.length === 0 || asked.some((pattern) => fnmatch(pattern, value));
}

/**
 * One of a link's names is enough: systemd-networkd 252 takes `Name=!eth0` for a link eth0 that has a second name.
 * `asks`: whether to ask ip(8) for the alternative names, which the files of packages do not use.
 */
function isNamed(host: Host, patterns: readonly string[], link: string, asks: boolean): boolean {
  if (matches(patterns, link)) return true;
  // A name that another link bears is no alternative name of this link.
  const free = patterns.some((pattern) => host.lstat(`/sys/class/net/${pattern.replace(/^!/, '')}`) === null);
  return asks && free && alternativeNames(host, link).some((name) => matches(patterns, name));
}

/** By link: ip(8) is asked once for all files and callers in the same turn of the event loop. */
let asked: { readonly host: Host; readonly names: Map<string, string[]> } | null = null;

function alternativeNames(host: Host, link: string): string[] {
  if (!host.live) return [];
  if (asked?.host !== host) {
    asked = { host, names: new Map() };
    setImmediate(() => {
      asked = null;
    });
  }
  const names = asked.names.get(link) ?? askAlternativeNames(host, link);
  asked.names.set(link, names);
  return names;
}

function askAlternativeNames(host: Host, link: string): string[] {
  try {
    const { status, stdout } = host.run('ip', ['-json', 'link', 'show', 'dev', link]);
    const [found] = status === 0 ? (JSON.parse(stdout) as { altnames?: string[] }[]) : [];
    return found?.altnames ?? [];
  } catch {
    return [];
  }
}

/**
 * Compares addresses without their punctuation, of which there are three kinds. `address` is empty if it is unknown.
 */
function isAddress(words: readonly string[], address: string): boolean {
  const digits = (text: string) => text.toLowerCase().replace(/[^0-9a-f]/g, '');
  return words.length === 0 || address === '' || words.some((word) => digits(word) === digits(address));
}

/** systemd's word for a link without a type of its own, by if_arp.h; null if we know no word. */
function typeOf(hardware: string): string | null {
  return { 1: 'ether', 32: 'infiniband', 772: 'loopback', 65534: 'none' }[hardware] ?? null;
}

/** The kind of a virtual link; empty for a real link, null if the kind is not visible. */
function kindOf(host: Host, folder: string, device: string | null): string | null {
  if (host.lstat(`${folder}/device`) !== null) return '';
  if (host.lstat(`${folder}/tun_flags`) !== null) return 'tun';
  return device === 'wlan' ? '' : device;
}

/** fnmatch(3) without flags. */
function fnmatch(pattern: string, text: string): boolean {
  const source = pattern.replace(/\[[!^]?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|\\[\]]/, '\\$&');
  });
  return new RegExp(`^${source}$`).test(text);
}
