/** The name servers of a host, as the DHCP clients behind it can ask them. */
import { familyOf } from './address.ts';
import { rangeOf, unmappedAddress } from './address-checks.ts';

/** The IPv4 address of this name server for clients that know this host as `router`; null if there is none. */
export function clientsServer(server: string, router: string): string | null {
  const address = unmappedAddress(server);
  if (address === null) return null;
  if (isOwnServer(address)) return router;
  return familyOf(address) === 'ipv4' ? address : null;
}

/** Whether the name server is a program on this host, which only this host can ask by this address. */
export function isOwnServer(server: string): boolean {
  const address = unmappedAddress(server);
  return address !== null && rangeOf(address) === 'loopback';
}
