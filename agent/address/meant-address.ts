/** What an operator probably meant by a text that is no address. */
import { rangeOf, unmappedAddress } from './address-checks.ts';

/**
 * The address in a URL, with a port, a prefix length, brackets, a zone, blanks or leading zeros; null if there is none,
 * or more than one.
 */
export function meantAddress(text: string): string | null {
  const host = text.trim().replace(/^\w+:\/\//, '');
  const [, bracketed, plain = host] = /^(?:\[([^\]]+)\](?:[:/].*)?|([\d.]+)[:#]\d+(?:\/.*)?)$/.exec(host) ?? [];
  const bare = (bracketed ?? plain).replace(/[/%].*$/, '');
  const decimal = /^[\d.]+$/.test(bare) ? bare.replace(/\b0+(?=\d)/g, '') : bare;
  const meant = unmappedAddress(decimal);
  return meant === null || rangeOf(meant) === 'unspecified' ? null : meant;
}

/** The words after "is no address": what to write. */
export function writeInstead(text: string): string {
  return `write ${meantAddress(text) ?? 'one such as 10.34.56.78 or 2001:db8::53'}`;
}
