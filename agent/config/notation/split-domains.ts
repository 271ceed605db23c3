/** The domains of `dns.split`: each is asked, with all names below it, at servers of its own. */
import ipaddr from 'ipaddr.js';
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { ipAddress } from '../../address/address-checks.ts';
import { show } from '../config-error.ts';
import { domainProblem } from './names.ts';

/** A domain without its final dot; `10.in-addr.arpa` stands for the addresses of 10.0.0.0/8. */
export function splitDomainProblem(text: string): string | undefined {
  if (text === '.' || text === '~.')
    return `${show(text)} is every name; write the servers of every name under dns.nameservers`;
  const [address = '', length] = text.split('/');
  const network = ipAddress(address);
  if (network !== null) {
    const reverse = reverseDomain(network, length);
    const instead = reverse === null ? ', such as 10.in-addr.arpa for 10.0.0.0/8' : `: ${reverse}`;
    return `${show(text)} is no domain; write the domain of the names of its addresses${instead}`;
  }
  return domainProblem(text);
}

/** Whether `name` is the domain itself, or lies below it. Neither has a final dot. */
export function isWithin(name: string, domain: string): boolean {
  return `.${name.toLowerCase()}`.endsWith(`.${domain.toLowerCase()}`);
}

/** RFC 1035, 3.5 and RFC 3596, 2.5. null if the network does not end with a label. */
function reverseDomain(address: IpAddress, length: string | undefined): string | null {
  const isV4 = familyOf(address) === 'ipv4';
  const digits = isV4
    ? address.split('.')
    : ipaddr.IPv6.parse(address)
        .toNormalizedString()
        .split(':')
        .flatMap((part) => [...part.padStart(4, '0')]);
  const bits = length === undefined ? digits.length * (isV4 ? 8 : 4) : Number(length);
  const labels = bits / (isV4 ? 8 : 4);
  if (!Number.isInteger(labels) || labels < 1 || labels > digits.length) return null;
  return [...digits.slice(0, labels).reverse(), isV4 ? 'in-addr.arpa' : 'ip6.arpa'].join('.');
}
