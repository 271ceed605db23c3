/**
 * Domains that unbound answers for itself, with no such name, unless it is told otherwise (unbound.conf(5), local-zone;
 * RFC 6303, RFC 6761, RFC 7793, RFC 8375).
 */
import { isWithin } from '../../config/notation/split-domains.ts';

const PRIVATE = Array.from({ length: 16 }, (_, n) => `${16 + n}.172.in-addr.arpa`);
const SHARED = Array.from({ length: 64 }, (_, n) => `${64 + n}.100.in-addr.arpa`);
const BUILT_IN = [
  ...['home.arpa', 'test', 'invalid', 'onion', 'localhost'],
  ...['10.in-addr.arpa', '168.192.in-addr.arpa', '254.169.in-addr.arpa', '127.in-addr.arpa', '0.in-addr.arpa'],
  ...['2.0.192.in-addr.arpa', '100.51.198.in-addr.arpa', '113.0.203.in-addr.arpa', '255.255.255.255.in-addr.arpa'],
  ...[
    'd.f.ip6.arpa',
    '8.e.f.ip6.arpa',
    '9.e.f.ip6.arpa',
    'a.e.f.ip6.arpa',
    'b.e.f.ip6.arpa',
    '8.b.d.0.1.0.0.2.ip6.arpa',
  ],
  ...PRIVATE,
  ...SHARED,
];

/** Whether unbound would answer for this domain itself. */
export function isBuiltIn(domain: string): boolean {
  return BUILT_IN.some((zone) => isWithin(domain, zone));
}
