/**
 * The DHCP options of a lease, from the file that systemd-networkd keeps of it in /run (dhcp_lease_save of systemd's
 * sd-dhcp-lease.c). Every value is a server's text, and becomes bytes of an option only if it can be read.
 */
import type { IpAddress } from '../../address/accepted.ts';
import { familyOf } from '../../address/address.ts';
import { ipAddress, ipPrefix } from '../../address/address-checks.ts';
import type { RecordedOffer } from '../recorded-offer.ts';
import { networkdVariables, networkdWords } from './managed-links.ts';

/** null if the file names no address. */
export function offerOfLeaseFile(text: string): RecordedOffer | null {
  const values = networkdVariables(text);
  const addresses = (key: string) => networkdWords(values.get(key)).flatMap((word) => ipv4(word) ?? []);
  const address = ipv4(values.get('ADDRESS') ?? '');
  if (address === null) return null;
  const options: [number, Buffer | null][] = [
    [1, list(addresses('NETMASK').slice(0, 1))],
    [3, list(addresses('ROUTER'))],
    [6, list(addresses('DNS'))],
    [12, bytes(values.get('HOSTNAME'))],
    [15, bytes(values.get('DOMAINNAME'))],
    [17, bytes(values.get('ROOT_PATH'))],
    [26, mtu(values.get('MTU'))],
    [28, list(addresses('BROADCAST').slice(0, 1))],
    [42, list(addresses('NTP'))],
    [119, names(networkdWords(values.get('DOMAIN_SEARCH_LIST')))],
    [120, sip(addresses('SIP'))],
    // Before systemd 248 one key has both kinds of routes.
    [121, routes([...networkdWords(values.get('CLASSLESS_ROUTES')), ...networkdWords(values.get('ROUTES'))])],
  ];
  return {
    address,
    server: addresses('SERVER_ADDRESS')[0] ?? null,
    routers: addresses('ROUTER'),
    fields: {
      siaddr: list(addresses('NEXT_SERVER').slice(0, 1)) ?? Buffer.alloc(4),
      sname: Buffer.alloc(64),
      file: Buffer.alloc(128),
    },
    options: new Map(options.filter((one): one is [number, Buffer] => one[1] !== null && one[1].length > 0)),
  };
}

function ipv4(word: string): IpAddress | null {
  const address = ipAddress(word);
  return address !== null && familyOf(address) === 'ipv4' ? address : null;
}

const octets = (address: string) => Buffer.from(address.split('.').map(Number));

function list(addresses: readonly IpAddress[]): Buffer | null {
  return addresses.length === 0 ? null : Buffer.concat(addresses.map(octets));
}

function bytes(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text, 'latin1');
}

function mtu(text: string | undefined): Buffer | null {
  const value = Number(text);
  return Number.isInteger(value) && value >= 68 && value <= 0xffff ? Buffer.from([value >> 8, value & 255]) : null;
}

/** Names as DNS writes them, without compression (RFC 3397). */
function names(all: readonly string[]): Buffer | null {
  const encoded = all.flatMap((name) => {
    const labels = name.replace(/\.$/, '').split('.');
    if (labels.some((label) => label.length === 0 || label.length > 63)) return [];
    return [
      Buffer.concat([
        ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
        Buffer.from([0]),
      ]),
    ];
  });
  return encoded.length === 0 ? null : Buffer.concat(encoded);
}

/** A list of addresses (RFC 3361). */
function sip(addresses: readonly IpAddress[]): Buffer | null {
  const found = list(addresses);
  return found === null ? null : Buffer.concat([Buffer.from([1]), found]);
}

/** `10.0.0.0/8,10.77.0.1` each: the length, as many bytes of the network as it needs, and the gateway (RFC 3442). */
function routes(all: readonly string[]): Buffer | null {
  const encoded = all.flatMap((one) => {
    const [to = '', via = ''] = one.split(',');
    const [prefix, gateway] = [ipPrefix(to), ipv4(via)];
    if (prefix === null || gateway === null || prefix.includes(':')) return [];
    const [network = '', length] = prefix.split('/');
    const significant = octets(network).subarray(0, Math.ceil(Number(length) / 8));
    return [Buffer.concat([Buffer.from([Number(length)]), significant, octets(gateway)])];
  });
  return encoded.length === 0 ? null : Buffer.concat(encoded);
}
