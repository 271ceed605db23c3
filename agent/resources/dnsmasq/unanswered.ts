/** Whether the clients' questions are answered, if their name server is this host. */
import { isOwnServer } from '../../address/clients-server.ts';
import type { DesiredDns, DesiredDnsmasq } from '../../config/desired.ts';
import { listenersAt } from '../../host/process/port-listeners.ts';

const PORT = 53;

/**
 * Why the clients get no answer, or one of another program than this host does; null if they get the same answers. A
 * socket of the address 0.0.0.0 may refuse some interfaces (dnsmasq's `interface=`), and that is not seen here.
 */
export function unanswered(
  { networks }: DesiredDnsmasq,
  dns: Pick<DesiredDns, 'nameservers' | 'split'> | null,
): string | null {
  const own = dns?.nameservers?.find(isOwnServer);
  if (own === undefined) return null;
  const asked = listenersAt(own, PORT)[0]?.owner ?? null;
  for (const { router } of networks) {
    const [address = ''] = router.split('/');
    const [found] = listenersAt(address, PORT);
    if (found === undefined)
      return `clients are told to ask ${address}, and no program listens there on port ${PORT}: let the program that listens on ${own} listen there also (dnsmasq: interface= of the clients)`;
    const { owner } = found;
    if (dns?.split == null || asked === null || owner === null || owner.pid === asked.pid) continue;
    return `clients are told to ask ${address}, and ${owner.comm}[${owner.pid}] there does not have dns.split, which is held in ${asked.comm}[${asked.pid}] on ${own}: let ${asked.comm}[${asked.pid}] listen on both`;
  }
  return null;
}
