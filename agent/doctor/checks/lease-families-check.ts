/** Two dhclients, one for each family, whose leases bring different name servers: the last one that writes wins. */
import { currentLease, resolvConfWithoutHook } from '../../clients/dhclient/leases/leases.ts';
import { dhcpClients } from '../../clients/dhclient/running.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

/** resolvconf and openresolv merge what both bring. */
const MERGERS = ['/sbin/resolvconf', '/usr/sbin/resolvconf'];

export function* leaseFamiliesCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (desired?.dns?.nameservers != null || MERGERS.some((path) => host.stat(path) !== null)) return;
  const clients = dhcpClients(host).filter(({ owner }) => owner === null);
  const offers = clients.flatMap((client) => {
    const { pid, family, interfaces } = client;
    const leases = interfaces.flatMap((name) => currentLease(host, client, name) ?? []);
    const lines = leases.flatMap(resolvConfWithoutHook);
    const servers = lines.flatMap((line) => /^nameserver (\S+)/.exec(line)?.[1] ?? []);
    const who = `dhclient[${pid}] on ${interfaces.join(', ')} brings ${servers.join(' ')} by IPv${family}`;
    return servers.length === 0 ? [] : [{ family, who, servers: servers.join(' ') }];
  });
  const ipv4 = offers.find(({ family }) => family === 4);
  const ipv6 = offers.find(({ family, servers }) => family === 6 && servers !== ipv4?.servers);
  if (ipv4 === undefined || ipv6 === undefined) return;
  yield {
    code: 'HF-LEASES-DISAGREE',
    seen: `${ipv4.who}, ${ipv6.who}, and each writes only its own to ${RESOLV_CONF}`,
  };
}
