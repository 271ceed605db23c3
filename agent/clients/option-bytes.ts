/**
 * DHCP options in bytes (RFC 2132, RFC 8415), from the words by which a client records them. A word that cannot be read is left
 * out; null if nothing is left.
 */
import type { IpAddress } from '../address/accepted.ts';
import { type Family, familyOf } from '../address/address.ts';
import { bytesOfAddress, ipAddress, ipPrefix } from '../address/address-checks.ts';

export const ipv4Addresses = (words: readonly string[]) => addressesOf(words, 'ipv4');
export const ipv6Addresses = (words: readonly string[]) => addressesOf(words, 'ipv6');

function addressesOf(words: readonly string[], family: Family): IpAddress[] {
  return words.flatMap((word) => {
    const address = ipAddress(word);
    return address !== null && familyOf(address) === family ? [address] : [];
  });
}

const octets = (address: string) => Buffer.from(address.split('.').map(Number));

/** The addresses, of either family, one after another. */
export function addressOption(addresses: readonly IpAddress[]): Buffer | null {
  return addresses.length === 0 ? null : Buffer.concat(addresses.map(bytesOfAddress));
}

/** `text` is latin1. */
export function textOption(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text, 'latin1');
}

export function mtuOption(text: string | undefined): Buffer | null {
  const value = Number(text);
  return Number.isInteger(value) && value >= 68 && value <= 0xffff ? Buffer.from([value >> 8, value & 255]) : null;
}

/** An unsigned number of `size` bytes. */
export function numberOption(text: string | undefined, size: 1 | 2 | 4): Buffer | null {
  const value = Number(text);
  if (!/^\d+$/.test(text ?? '') || value >= 256 ** size) return null;
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

/** Names as DNS writes them, without compression (RFC 3397). */
export function namesOption(all: readonly string[]): Buffer | null {
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

/** Each route: the length, as many bytes of the network as it needs, and the gateway (RFC 3442). */
export function routesOption(all: readonly (readonly [to: string, gateway: string])[]): Buffer | null {
  const encoded = all.flatMap(([to, via]) => {
    const [prefix, [gateway]] = [ipPrefix(to), ipv4Addresses([via])];
    if (prefix === null || gateway === undefined || prefix.includes(':')) return [];
    const [network = '', length] = prefix.split('/');
    const significant = octets(network).subarray(0, Math.ceil(Number(length) / 8));
    return [Buffer.concat([Buffer.from([Number(length)]), significant, octets(gateway)])];
  });
  return encoded.length === 0 ? null : Buffer.concat(encoded);
}

/** Each network and its gateway of `10.99.0.0/16 10.77.0.9 0.0.0.0/0 10.77.0.1`. */
export function pairsOf(words: readonly string[]): [to: string, gateway: string][] {
  return words.flatMap((gateway, at) => (at % 2 === 1 ? [[words[at - 1]!, gateway]] : []));
}
