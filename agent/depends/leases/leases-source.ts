/** What the next event of each DHCP client would bring: its last offer, unless Holdfast holds other name servers there. */

import { knownLeases } from '../../clients/holders.ts';
import type { KnownLease } from '../../clients/known-lease.ts';
import type { Dependence, DependsSource } from '../dependence.ts';
import { canonicalAddress } from '../found-addresses.ts';
import type { Surroundings } from '../surroundings.ts';

const COMMON = { tense: 'lease', source: 'leases' } as const;

export function leasesSource({ host, holding }: Surroundings): DependsSource {
  return {
    name: COMMON.source,
    tense: COMMON.tense,
    async look(addresses, signal) {
      const { leases, unknown } = await knownLeases(host);
      const found: Dependence[] = [];
      const doubts: string[] = [];
      for (const lease of leases) {
        signal.throwIfAborted();
        // Held name servers take the place of offered ones.
        const held = await holding(lease.program);
        if (held === null) found.push(...servers(lease));
        if (held === null && lease.doubt !== undefined) doubts.push(lease.doubt);
        if (addresses !== null) found.push(...others(lease));
      }
      const wanted = found.filter(({ address }) => addresses?.has(address) !== false);
      return { found: wanted, unseen: [...unknown, ...doubts].map((reason) => ({ ...COMMON, reason })) };
    },
  };
}

function servers(lease: KnownLease): Dependence[] {
  const hold = 'or hold them: dns.nameservers, then `agent apply`';
  if (lease.sender === 'router')
    return dependences(
      lease,
      lease.nameservers,
      'a router advertises it as a name server, and nothing holds another one at the next advertisement',
      `have the router advertise the new servers, ${hold}`,
    );
  return dependences(
    lease,
    lease.nameservers,
    'the DHCP server offers it as a name server, and nothing holds another one at the next lease',
    `have the DHCP server offer the new servers, ${hold}`,
  );
}

function others(lease: KnownLease): Dependence[] {
  return [
    ...(lease.sender === 'router'
      ? dependences(
          lease,
          lease.gateways,
          'it advertises itself as the default router',
          'have the new router advertise itself before this one goes',
        )
      : dependences(
          lease,
          lease.gateways,
          'the DHCP server offers it as the router',
          'have the DHCP server offer the new router',
        )),
    ...dependences(
      lease,
      lease.timeServers,
      'the DHCP server offers it as a time server',
      'have the DHCP server offer the new time server',
    ),
    ...dependences(
      lease,
      lease.server === null ? [] : [lease.server],
      'it is the DHCP server that gave the lease, and the client asks it to renew the lease',
      'make sure that another DHCP server knows the lease before this one goes',
    ),
  ];
}

function dependences(
  { who, where }: KnownLease,
  offered: readonly string[],
  reason: string,
  cure: string,
): Dependence[] {
  return offered.flatMap((one) => {
    const address = canonicalAddress(one);
    return address === null ? [] : [{ ...COMMON, address, who, where, reason, cure }];
  });
}
