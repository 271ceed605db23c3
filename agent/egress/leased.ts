/** The gateways in this host's DHCP leases, which dhclient-script uses for default routes. */
import type { IpAddress } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import { ipAddress, rangeOf } from '../address/address-checks.ts';
import { currentLease, type Lease } from '../clients/dhclient/leases/leases.ts';
import { dhcpClients } from '../clients/dhclient/running.ts';
import type { DesiredDhcp } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { onlyBefore } from '../host/recorded-looks.ts';

export interface LeasedGateway {
  readonly interface: string;
  /** IPv4. */
  readonly address: IpAddress;
}

/**
 * Gateways from the leases of running dhclients, the preferred first. Ignored ones and malformed addresses are skipped.
 */
export function leasedGateways(host: Host, { global, interfaces }: DesiredDhcp, now = Date.now()): LeasedGateway[] {
  const ignored = (name: string) => [global, interfaces.get(name)].some((scope) => scope?.ignore.includes('routers'));
  return dhcpClients(host)
    .filter(({ family }) => family === 4)
    .flatMap((client) => client.interfaces.map((name) => currentLease(host, client, name)))
    .filter((lease) => lease !== null)
    .filter((lease) => !ignored(lease.interface) && isValid(lease, now))
    .flatMap((lease) => gatewaysOf(lease).map((address) => ({ interface: lease.interface, address })));
}

function isValid({ expire }: Lease, now: number): boolean {
  if (expire === null) return true;
  if (expire > now) onlyBefore(expire);
  return expire > now;
}

/** Option 121 overrules option 3 (RFC 3442). */
export function gatewaysOf({ options }: Pick<Lease, 'options'>): IpAddress[] {
  const classless = defaultsOf(options.get('rfc3442-classless-static-routes'));
  const routers = (options.get('routers') ?? '').split(',').map((one) => one.trim());
  const found = (classless ?? routers).map(ipAddress).filter((address) => address !== null);
  return found.filter((address) => familyOf(address) === 'ipv4' && rangeOf(address) !== 'unspecified');
}

/**
 * Parses `0,10,0,0,1,24,10,1,2,10,0,0,2`: prefix length, the bytes of the network that it needs, gateway. null if not
 * offered.
 */
function defaultsOf(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const numbers = text.split(',').map((one) => Number(one.trim()));
  const found: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    const length = numbers[at]!;
    const gateway = at + 1 + Math.ceil(length / 8);
    if (!(length >= 0 && length <= 32) || gateway + 4 > numbers.length) break;
    if (length === 0) found.push(numbers.slice(gateway, gateway + 4).join('.'));
    at = gateway + 4;
  }
  return found;
}
