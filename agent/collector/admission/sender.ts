/**
 * Identifies senders by the token or certificate that admitted the request, and by the source address. Room is shared
 * among senders, so that no sender takes another sender's room.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { familyOf } from '../../address/address.ts';
import { prefixHolding, unmappedAddress } from '../../address/address-checks.ts';

/** A text that is the same for the same sender. It does not contain the token. */
export function senderOf({ socket, headers }: IncomingMessage): string {
  const fingerprint =
    'getPeerX509Certificate' in socket ? (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 : '';
  const proof = fingerprint || headers.authorization;
  const address = networkOf(socket.remoteAddress ?? '');
  return proof === undefined
    ? address
    : `${createHash('sha256').update(proof).digest('base64url').slice(0, 16)} ${address}`;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address, because one host may use all addresses of a /64. */
export function networkOf(address: string): string {
  const own = unmappedAddress(address.replace(/%.*/, ''));
  if (own === null) return address;
  return familyOf(own) === 'ipv4' ? own : prefixHolding(own, 64);
}
