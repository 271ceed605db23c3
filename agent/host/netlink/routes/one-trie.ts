/**
 * Whether IPv4's tables `main` and `local` are one trie. They are until the first rule is added (fib_unmerge in
 * net/ipv4/fib_frontend.c). /proc/net/fib_triestat shows that trie twice and does not say so.
 */
import { networkInterfaces } from 'node:os';
import { ipAddress } from '../../../address/address-checks.ts';
import { NetlinkSocket } from '../socket.ts';
import { MAIN_TABLE } from '../table-names.ts';
import { ROUTE_TYPE } from './route.ts';
import { matchedRoute } from './route-lookup.ts';

const LOCAL_TABLE = 255;

/**
 * The kernel says in which table it finds an address of its own: in `main`, if `main` also holds the local routes. null
 * if it has no address that decides. Throws NetlinkError.
 */
export async function mainIsLocal(signal: AbortSignal): Promise<boolean | null> {
  using socket = await NetlinkSocket.open();
  for (const address of new Set(['127.0.0.1', ...ownAddresses()].flatMap((text) => ipAddress(text) ?? []))) {
    const route = await matchedRoute(socket, 'ipv4', address, {}, signal);
    // A rule may put another route first, such as a default route. That proves nothing.
    if (route?.type !== ROUTE_TYPE.local) continue;
    if (route.table === MAIN_TABLE) return true;
    if (route.table === LOCAL_TABLE) return false;
  }
  return null;
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}
