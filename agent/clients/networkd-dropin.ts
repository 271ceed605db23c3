/** The drop-in for a `.network` file (systemd.network(5)): name servers and domains that no lease adds to. */
import type { DesiredDns } from '../config/desired.ts';
import type { Host } from '../host/host.ts';

const NAME = 'zz-holdfast.conf';
/** In the order in which a name is looked for. */
const FOLDERS = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'];

/** Found by the name of the `.network` file, in whatever folder that is. */
export function dropInPath(networkFile: string): string {
  return `/etc/systemd/network/${networkFile}.d/${NAME}`;
}

/** Drop-ins of others that come after ours, by name, and say something about what ours says. */
export function laterDropIns(host: Host, networkFile: string): string[] {
  const files = new Map<string, string>();
  for (const folder of FOLDERS.map((base) => `${base}/systemd/network/${networkFile}.d`)) {
    for (const name of host.list(folder)) {
      if (name > NAME && name.endsWith('.conf') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  return [...files.values()].filter((file) => /^\s*(Use)?(DNS|Domains)\s*=/m.test(host.readText(file) ?? ''));
}

/** Domains as resolvectl and systemd.network(5) take them; null: not configured. */
export function wantedDomains({ domain, search }: DesiredDns): readonly string[] | null {
  const names = search ?? (domain === null ? null : [domain]);
  // "~.": every name is asked for here, and a link with domains of its own (a VPN) still answers for those.
  return names === null ? null : [...names, '~.'];
}

/** null: nothing that it could hold is configured. */
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

/** An empty assignment first: what other files say is forgotten. */
function list(key: string, values: readonly string[] | null): string[] {
  return values === null ? [] : [`${key}=`, `${key}=${values.join(' ')}`];
}
