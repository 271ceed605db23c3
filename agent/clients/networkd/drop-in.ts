/**
 * The drop-ins for `.network` files (systemd.network(5)): name servers and domains that no lease adds to. Before
 * systemd 257 a `networkctl reload` gives up the lease of a link whose files changed. A file that systemd-networkd
 * reads may therefore change only while systemd-networkd starts. The drop-ins are kept below /var/lib, and a drop-in
 * for the service copies them to /run right before each start.
 */
import type { DesiredDns } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { NETWORK_FOLDERS } from './network-lines.ts';

const READ = '/run/systemd/network';
/** The folder that earlier versions used. Their drop-ins stay there until systemd-networkd starts again. */
const OLD = '/etc/systemd/network';

/** Drop-ins of one resource, all with the same name, and the drop-in for the service that copies them. */
export interface DropInSet {
  readonly resource: 'resolved' | 'networkd';
  readonly name: string;
  /** The folder that keeps them for the next start. */
  readonly kept: string;
  /** The drop-in for systemd-networkd's service. */
  readonly service: string;
  readonly serviceText: string;
}

/**
 * `+`: as root and outside the service's sandbox. `-`: systemd-networkd starts even if the copy fails. `$$` is a `$`
 * for the shell.
 */
function dropInSet(resource: DropInSet['resource'], name: string, kept: string, service: string): DropInSet {
  const serviceText = `# Made by Holdfast. Before systemd-networkd starts, the drop-ins that Holdfast keeps are put where it reads them.
[Unit]
After=var.mount var-lib.mount

[Service]
ExecStartPre=+-/bin/sh -c 'for d in ${OLD}/*.network.d ${READ}/*.network.d; do if [ -f "$$d/${name}" ]; then rm -f "$$d/${name}"; rmdir "$$d" 2>/dev/null; fi; done; if [ -d ${kept} ]; then mkdir -p ${READ} && cp -R ${kept}/. ${READ}/; fi'
`;
  return { resource, name, kept, service, serviceText };
}

const SERVICE_FOLDER = '/etc/systemd/system/systemd-networkd.service.d';
export const DNS_DROP_INS = dropInSet(
  'resolved',
  'zz-holdfast.conf',
  `${STATE_FOLDER}/networkd`,
  `${SERVICE_FOLDER}/holdfast.conf`,
);
/** By their name they come before the drop-ins of `dns`, which decide about name servers and domains. */
export const DHCP_DROP_INS = dropInSet(
  'networkd',
  'zz-holdfast-dhcp.conf',
  `${STATE_FOLDER}/networkd-dhcp`,
  `${SERVICE_FOLDER}/holdfast-dhcp.conf`,
);
const SETS = [DNS_DROP_INS, DHCP_DROP_INS];

/** Our drop-ins for the service, in the order in which systemd carries them out. */
export const SERVICE_DROP_INS = SETS.map(({ service }) => service).sort();

/** The set of a kept drop-in, of a drop-in in use, or of a drop-in for the service. */
export function dropInSetOf(path: string): DropInSet {
  return SETS.find(({ name, service }) => path === service || path.endsWith(`/${name}`)) ?? DNS_DROP_INS;
}

/** The drop-in that is kept for the next start of systemd-networkd. */
export function keptDropIn(networkFile: string, { kept, name } = DNS_DROP_INS): string {
  return `${kept}/${networkFile}.d/${name}`;
}

/**
 * Our drop-in as the running systemd-networkd has read it; null if there is none. Nothing changes this file before the
 * next start.
 */
export function readDropIn(host: Host, networkFile: string, { name } = DNS_DROP_INS): string | null {
  return host.readText(`${READ}/${networkFile}.d/${name}`);
}

/** The `.network` files that have a kept drop-in. */
export function keptNames(host: Host, set = DNS_DROP_INS): string[] {
  return namesIn(host, set.kept, set);
}

/** Files of ours that the running systemd-networkd has read, or would read at a reload. */
export function dropInsInUse(host: Host, set = DNS_DROP_INS): string[] {
  return [OLD, READ].flatMap((folder) => namesIn(host, folder, set).map((name) => `${folder}/${name}.d/${set.name}`));
}

/** Whether a line comes from one of our drop-ins, wherever it lies. */
export function isOurDropIn(path: string): boolean {
  return SETS.some(({ name }) => path.endsWith(`.network.d/${name}`));
}

export function isOldDropIn(path: string): boolean {
  return path.startsWith(`${OLD}/`) && isOurDropIn(path);
}

function namesIn(host: Host, folder: string, set: DropInSet): string[] {
  return host
    .list(folder)
    .filter((name) => name.endsWith('.network.d') && host.lstat(`${folder}/${name}/${set.name}`) !== null)
    .map((name) => name.slice(0, -'.d'.length));
}

/**
 * Drop-ins of other authors that come after ours by name, and set one of these keys.
 * @param keys by default those of `dns`.
 */
export function laterDropIns(
  host: Host,
  networkFile: string,
  { name: ours } = DNS_DROP_INS,
  keys = /^\s*(Use)?(DNS|Domains)\s*=/m,
): string[] {
  const files = new Map<string, string>();
  for (const folder of NETWORK_FOLDERS.map((base) => `${base}/${networkFile}.d`)) {
    for (const name of host.list(folder)) {
      const isTheirs = name.endsWith('.conf') && !SETS.some((set) => set.name === name);
      if (name > ours && isTheirs && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  return [...files.values()].filter((file) => keys.test(host.readText(file) ?? ''));
}

/** Domains in the notation of resolvectl and systemd.network(5); null if no domains are configured. */
export function wantedDomains({ domain, search }: Pick<DesiredDns, 'domain' | 'search'>): readonly string[] | null {
  const names = search ?? (domain === null ? null : [domain]);
  // "~." routes every name to this link, while a link with domains of its own (a VPN) still answers for those. "." is
  // no suffix at all: a link without search domains has it.
  return names === null ? null : [...names.filter((name) => name !== '.'), '~.'];
}

/** null if the configuration has no setting that the drop-in could hold. */
export function renderDropIn(dns: DesiredDns): string | null {
  const domains = wantedDomains(dns);
  const lists = [...list('DNS', dns.nameservers), ...list('Domains', domains)];
  if (lists.length === 0) return null;
  const refusals = [
    ...(dns.nameservers === null ? [] : ['UseDNS=no']),
    ...(domains === null ? [] : ['UseDomains=no']),
  ].join('\n');
  const sources = ['DHCPv4', 'DHCPv6', 'IPv6AcceptRA'].map((section) => `\n[${section}]\n${refusals}\n`);
  return `# Made by Holdfast from its configuration. systemd-networkd reads this when it starts; until then its links
# hold what resolvectl told it.
[Network]
${lists.join('\n')}
${sources.join('')}`;
}

/** An empty assignment comes first, so that systemd-networkd forgets the values of other files. */
function list(key: string, values: readonly string[] | null): string[] {
  return values === null ? [] : [`${key}=`, `${key}=${values.join(' ')}`];
}
