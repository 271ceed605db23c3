/**
 * systemd-resolved, if it gets the settings itself: the settings that it cannot hold, and the program with the last
 * word at boot.
 */
import { laterDropIns, wantedDomains } from '../../clients/networkd/drop-in.ts';
import { networkNames } from '../../clients/networkd/match.ts';
import { answersAfterStart, linksWithServers, resolvedLinks } from '../../clients/resolved.ts';
import { writtenThrough } from '../../clients/resolved-libc.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

/** The default of `dns.symlink`. */
const UNSAID = { symlink: 'refuse' } as const;

/**
 * Whether links hold the DNS settings, and resolv.conf belongs to systemd-resolved. Without a configuration: whether
 * they would.
 */
export function heldByResolved({ host, desired }: DoctorSurroundings): boolean {
  const dns = desired === null ? UNSAID : desired.dns;
  return dns !== null && (resolvedLinks(host, dns).length > 0 || answersAfterStart(host, dns));
}

export function* resolvedCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  const { host, desired } = around;
  if (desired === null) {
    const links = linksWithServers(resolvedLinks(host, UNSAID)).map(({ name }) => name);
    if (links.length === 0) return;
    yield {
      code: 'HF-RESOLVED',
      seen: `systemd-resolved answers here, and \`dns\` would be held on ${links.join(', ')}`,
    };
    return;
  }
  const { dns } = desired;
  if (dns === null) return;
  const all = resolvedLinks(host, dns);
  const links = linksWithServers(all);
  if (links.length === 0) return;
  const names = links.map(({ name }) => name).join(', ');
  const lacking = (['sortlist', 'options'] as const).filter((key) => dns[key] !== null);
  yield lacking.length === 0
    ? { code: 'HF-RESOLVED', seen: `name servers and search domains are held on ${names}` }
    : {
        code: 'HF-RESOLVED',
        seen: `name servers and search domains are held on ${names}; ${lacking.join(' and ')} cannot be held there`,
        severity: 'warning',
      };
  const ours = { servers: dns.nameservers, domains: wantedDomains(dns) };
  const through = links.map((link) => writtenThrough(host, link, ours)).find((view) => view !== null);
  if (through != null) {
    const asked = through.servers.join(' ') || 'nobody';
    yield {
      code: 'HF-RESOLVED-FILE',
      seen: `${through.file} is not as systemd-resolved writes it: libc asks ${asked}`,
    };
  }
  for (const file of networkNames(host, links, all)) {
    for (const later of laterDropIns(host, file)) yield { code: 'HF-NETWORKD-LATER', seen: later };
  }
}
