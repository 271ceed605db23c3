/** dhclient's own record of its leases (dhclient.leases(5)): the leases that a running dhclient holds in memory. */
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import type { RunningDhclient } from '../running.ts';

export interface Lease {
  readonly interface: string;
  readonly address: string | null;
  /** Option name to its text as dhclient wrote it, after `supersede` of the running process. */
  readonly options: ReadonlyMap<string, string>;
  /** The parts of a DHCP message that are no options: `filename`, `server-name`, `next-server`. */
  readonly fields: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch; null if the lease never expires or does not say. */
  readonly renew: number | null;
  readonly expire: number | null;
}

export const DEFAULT_LEASE_FILES = ['/var/lib/dhcp/dhclient.leases', '/var/lib/dhclient/dhclient.leases'];

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
  return parseLeases(leaseText(host, client)).findLast((lease) => lease.interface === iface) ?? null;
}

/** The whole lease file (latin1). */
export function leaseText(host: Host, { leaseFile }: RunningDhclient): string {
  const files = leaseFile === null ? DEFAULT_LEASE_FILES : [leaseFile];
  return files.map((file) => readable(host, file) ?? '').join('');
}

/** null also if the file cannot be read: only root can read NetworkManager's, and any user may ask. */
function readable(host: Host, file: string): string | null {
  return nullIfRefused(() => host.readText(file));
}

/** dhclient writes one statement a line, and strings with octal escapes. An unfinished block is skipped. */
export function parseLeases(text: string): Lease[] {
  const leases: Lease[] = [];
  let lines: string[] | null = null;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (/^lease6? \{$/.test(line)) lines = [];
    else if (line === '}' && lines !== null) {
      leases.push(parseLease(lines));
      lines = null;
    } else lines?.push(line.replace(/;$/, ''));
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
  return [
    ...(name === '' ? [] : [`domain ${name}`]),
    ...(searched.length === 0 ? [] : [`search ${searched.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}`),
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
  return { interface: iface, address, options, fields, renew: times.renew ?? null, expire: times.expire ?? null };
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
