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

const NAME = 'zz-holdfast.conf';
const KEPT = `${STATE_FOLDER}/networkd`;
const READ = '/run/systemd/network';
/** The folder that earlier versions used. Their drop-ins stay there until systemd-networkd starts again. */
const OLD = '/etc/systemd/network';

/** The drop-in for systemd-networkd's service; it copies the kept drop-ins. */
export const SERVICE_DROP_IN = '/etc/systemd/system/systemd-networkd.service.d/holdfast.conf';

/**
 * `+`: as root and outside the service's sandbox. `-`: systemd-networkd starts even if the copy fails. `$$` is a `$`
 * for the shell.
 */
export const SERVICE_DROP_IN_TEXT = `# Made by Holdfast. Before systemd-networkd starts, the drop-ins that Holdfast keeps are put where it reads them.
[Unit]
After=var.mount var-lib.mount

[Service]
ExecStartPre=+-/bin/sh -c 'for d in ${OLD}/*.network.d ${READ}/*.network.d; do if [ -f "$$d/${NAME}" ]; then rm -f "$$d/${NAME}"; rmdir "$$d" 2>/dev/null; fi; done; if [ -d ${KEPT} ]; then mkdir -p ${READ} && cp -R ${KEPT}/. ${READ}/; fi'
`;

/** The drop-in that is kept for the next start of systemd-networkd. */
export function keptDropIn(networkFile: string): string {
  return `${KEPT}/${networkFile}.d/${NAME}`;
}

/**
 * Our drop-in as the running systemd-networkd has read it; null if there is none. Nothing changes this file before the
 * next start.
 */
export function readDropIn(host: Host, networkFile: string): string | null {
  return host.readText(`${READ}/${networkFile}.d/${NAME}`);
}

/** The `.network` files that have a kept drop-in. */
export function keptNames(host: Host): string[] {
  return namesIn(host, KEPT);
}

/** Files of ours that the running systemd-networkd has read, or would read at a reload. */
export function dropInsInUse(host: Host): string[] {
  return [OLD, READ].flatMap((folder) => namesIn(host, folder).map((name) => `${folder}/${name}.d/${NAME}`));
}

/** Whether a line comes from one of our drop-ins, wherever it lies. */
export function isOurDropIn(path: string): boolean {
  return path.endsWith(`.network.d/${NAME}`);
}

export function isOldDropIn(path: string): boolean {
  return path.startsWith(`${OLD}/`) && path.endsWith(`.network.d/${NAME}`);
}

function namesIn(host: Host, folder: string): string[] {
  return host
    .list(folder)
    .filter((name) => name.endsWith('.network.d') && host.lstat(`${folder}/${name}/${NAME}`) !== null)
    .map((name) => name.slice(0, -'.d'.length));
}

/** Drop-ins of other authors that come after ours by name, and set a key that ours sets. */
export function laterDropIns(host: Host, networkFile: string): string[] {
  const files = new Map<string, string>();
  for (const folder of NETWORK_FOLDERS.map((base) => `${base}/${networkFile}.d`)) {
    for (const name of host.list(folder)) {
      if (name > NAME && name.endsWith('.conf') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  return [...files.values()].filter((file) => /^\s*(Use)?(DNS|Domains)\s*=/m.test(host.readText(file) ?? ''));
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
