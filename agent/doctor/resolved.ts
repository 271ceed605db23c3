/** systemd-resolved, where it is told of the settings itself: what it cannot hold, and who has the last word at boot. */
import { laterDropIns } from '../clients/networkd-dropin.ts';
import { linksWithServers, resolvedLinks } from '../clients/resolved.ts';
import type { Seen, Surroundings } from './check.ts';

/** Whether links hold the DNS settings, and resolv.conf is systemd-resolved's own matter. */
export function heldByResolved({ host, desired }: Surroundings): boolean {
  return desired?.dns != null && resolvedLinks(host, desired.dns).length > 0;
}

export function* resolved(around: Surroundings): Iterable<Seen> {
  const { host, desired } = around;
  const dns = desired?.dns;
  if (dns == null) return;
  const links = linksWithServers(resolvedLinks(host, dns));
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
  for (const file of new Set(links.map(({ networkFile }) => networkFile))) {
    for (const later of laterDropIns(host, file)) yield { code: 'HF-NETWORKD-LATER', seen: later };
  }
}
