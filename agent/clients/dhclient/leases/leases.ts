/** dhclient's own record of its leases (dhclient.leases(5)): the leases that a running dhclient holds in memory. */
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import type { RunningDhclient } from '../running.ts';

export interface Lease {
  readonly family: 4 | 6;
  readonly interface: string;
  /** The first one of several addresses of DHCPv6; null also if the lease is released, or has only a prefix. */
  readonly address: string | null;
  /** Option name to its text as dhclient wrote it, after `supersede` of the running process. */
  readonly options: ReadonlyMap<string, string>;
  /** The parts of a DHCP message that are no options: `filename`, `server-name`, `next-server`. */
  readonly fields: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch; null if the lease never expires or does not say. */
  readonly renew: number | null;
  readonly expire: number | null;
  /** Seconds for which the server gave the lease; null if unknown, or for ever (DHCPv6). */
  readonly seconds: number | null;
}

export const DEFAULT_LEASE_FILES = ['/var/lib/dhcp/dhclient.leases', '/var/lib/dhclient/dhclient.leases'];

/** dhclient's compiled-in default with -6. */
const DEFAULT_LEASE6_FILES = ['/var/lib/dhcp/dhclient6.leases', '/var/lib/dhclient/dhclient6.leases'];

const FOLDERS = ['/var/lib/dhcp', '/var/lib/dhclient'];

/** The lease files that dhclients of this host have written, whether or not one runs. */
export function leaseFilesLeft(host: Host): string[] {
  return FOLDERS.flatMap((folder) =>
    host
      .list(folder)
      .filter((name) => /^dhclient(\..+)?\.leases$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
}

/** The interfaces with an address in a lease file. */
export function interfacesIn(host: Host, file: string): string[] {
  const leases = parseLeases(host.readText(file) ?? '');
  return [...new Set(leases.filter(({ address }) => address !== null).map((lease) => lease.interface))];
}

/** The last lease of one interface in this client's file; null if there is none. */
export function currentLease(host: Host, client: RunningDhclient, iface: string): Lease | null {
  return (
    parseLeases(leaseText(host, client)).findLast(
      (lease) => lease.interface === iface && lease.family === client.family,
    ) ?? null
  );
}

/** The whole lease file (latin1). */
export function leaseText(host: Host, { leaseFile, family }: RunningDhclient): string {
  const defaults = family === 6 ? DEFAULT_LEASE6_FILES : DEFAULT_LEASE_FILES;
  const files = leaseFile === null ? defaults : [leaseFile];
  return files.map((file) => readable(host, file) ?? '').join('');
}

/** null also if the file cannot be read: only root can read NetworkManager's, and any user may ask. */
function readable(host: Host, file: string): string | null {
  return nullIfRefused(() => host.readText(file));
}

/**
 * dhclient writes one statement a line, and strings with octal escapes. An unfinished block is skipped. A `lease6` has
 * blocks in it: an association (`ia-na`), and in it each address or prefix.
 */
export function parseLeases(text: string): Lease[] {
  const leases: Lease[] = [];
  let open: { family: 4 | 6; lines: string[]; depth: number } | null = null;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const begin = /^lease(6?) \{$/.exec(line);
    if (begin !== null) open = { family: begin[1] === '6' ? 6 : 4, lines: [], depth: 0 };
    else if (open === null) continue;
    else if (line === '}' && open.depth === 0) {
      leases.push(open.family === 6 ? parseLease6(open.lines) : parseLease(open.lines));
      open = null;
    } else {
      if (line === '}') open.depth -= 1;
      else if (open.family === 6 && line.endsWith('{')) open.depth += 1;
      open.lines.push(line.replace(/;$/, ''));
    }
  }
  return leases;
}

/**
 * The resolv.conf that dhclient-script's own make_resolv_conf would write at a renewal of this lease, without our hook.
 */
export function resolvConfWithoutHook(lease: Lease): string[] {
  const name = unquote(lease.options.get('domain-name') ?? '').split(' ')[0] ?? '';
  const search = list(lease.options.get('domain-search'));
  const servers = list(lease.options.get('domain-name-servers'));
  const searched = name === '' || search.includes(name) || search.includes(`${name}.`) ? search : [name, ...search];
  const lines = [
    ...(name === '' ? [] : [`domain ${name}`]),
    ...(searched.length === 0 ? [] : [`search ${searched.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}`),
  ];
  // A superseded option of IPv4 is in a lease of DHCPv6 also, and the script then looks at no other.
  return lines.length > 0 || lease.family === 4 ? lines : resolvConf6WithoutHook(lease);
}

function resolvConf6WithoutHook({ interface: iface, options }: Lease): string[] {
  const search = list(options.get('dhcp6.domain-search'));
  const servers = list(options.get('dhcp6.name-servers'));
  return [
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}${/^fe80::/i.test(server) ? `%${iface}` : ''}`),
  ];
}

const FIELDS = ['filename', 'server-name', 'next-server'];

function parseLease(lines: readonly string[]): Lease {
  const options = new Map<string, string>();
  const fields = new Map<string, string>();
  let iface = '';
  let address: string | null = null;
  const times: { renew?: number | null; expire?: number | null } = {};
  for (const line of lines) {
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    if (keyword === 'interface') iface = unquote(rest);
    else if (keyword === 'fixed-address') address = rest;
    else if (keyword === 'option') {
      const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(rest) ?? [];
      options.set(name, value);
    } else if (keyword === 'renew' || keyword === 'expire') times[keyword] = parseTime(rest);
    else if (FIELDS.includes(keyword)) fields.set(keyword, rest);
  }
  const duration = options.get('dhcp-lease-time') ?? '';
  const seconds = /^\d{1,10}$/.test(duration) ? Number(duration) : null;
  const { renew = null, expire = null } = times;
  return { family: 4, interface: iface, address, options, fields, renew, expire, seconds };
}

/** Lifetimes for ever (RFC 8415, 7.7). */
const FOREVER = 0xffffffff;

/**
 * The statements of DHCPv6 that concern times are seconds after the association or address `starts`, itself in seconds
 * since the epoch.
 */
function parseLease6(lines: readonly string[]): Lease {
  const options = new Map<string, string>();
  const addresses: string[] = [];
  const renewals: number[] = [];
  const lives: { end: number; seconds: number }[] = [];
  let [iface, starts, depth, released] = ['', 0, 0, false];
  for (const line of lines) {
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const number = /^\d{1,10}$/.test(rest) ? Number(rest) : null;
    if (line === '}') depth -= 1;
    else if (line.endsWith('{')) {
      depth += 1;
      if (keyword === 'iaaddr') addresses.push(rest.replace(/\s*\{$/, ''));
    } else if (keyword === 'interface') iface = unquote(rest);
    else if (keyword === 'released') released = true;
    else if (keyword === 'option' && depth === 0) {
      const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(rest) ?? [];
      options.set(name, value);
    } else if (keyword === 'starts' && number !== null) starts = number;
    // 0 leaves the time to the client.
    else if (keyword === 'renew' && number !== null && number > 0 && number < FOREVER) renewals.push(starts + number);
    else if (keyword === 'max-life' && number !== null) lives.push({ end: starts + number, seconds: number });
  }
  const last = lives.toSorted((a, b) => a.end - b.end).at(-1);
  const ends = released || last === undefined || last.seconds >= FOREVER ? null : last;
  return {
    family: 6,
    interface: iface,
    address: released ? null : (addresses[0] ?? null),
    options,
    fields: new Map(),
    renew: renewals.length === 0 || released ? null : Math.min(...renewals) * 1000,
    expire: ends === null ? null : ends.end * 1000,
    seconds: ends?.seconds ?? null,
  };
}

/** `4 2026/11/26 06:12:10` in UTC, `epoch 1795673530; # …` with db-time-format local, or `never`. */
function parseTime(text: string): number | null {
  const epoch = /^epoch (\d+)/.exec(text)?.[1];
  if (epoch !== undefined) return Number(epoch) * 1000;
  const match = /^\d (\d{4})\/(\d\d?)\/(\d\d?) (\d\d?):(\d\d?):(\d\d?)/.exec(text);
  if (match === null) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').map((item) => unquote(item.trim()));
}

function unquote(text: string): string {
  return text.replace(/^"|"$/g, '');
}
