/** Why a collector gave no answer, in the operator's words. */

const UNTRUSTED =
  'no authority that this host trusts signed its certificate: give --ca FILE, or report.ca in the configuration';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no program listens there',
  ENOTFOUND: 'its name is not known here',
  EAI_AGAIN: 'its name cannot be looked up just now',
  EHOSTUNREACH: 'no host answers at its address',
  ENETUNREACH: 'this host has no route to it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name or address',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: compare the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  EPROTO: 'it does not speak TLS as asked: is it an http:// address?',
};

/** `patience`: milliseconds that we waited. */
export function noAnswer(endpoint: string, error: Error & { readonly code?: unknown }, patience: number): string {
  const { message, name } = error;
  // After several addresses only the words of the last attempt are left.
  const code = typeof error.code === 'string' ? error.code : (/\bE[A-Z_]{4,}\b/.exec(message)?.[0] ?? '');
  if (name === 'TimeoutError') return `${endpoint} does not answer within ${patience / 1000} s`;
  if (WORDS[code] !== undefined) return `${endpoint} cannot be asked: ${WORDS[code]} (${code})`;
  if (code === 'ECONNRESET' && endpoint.startsWith('http:'))
    return `${endpoint} closed the connection: is it an https:// address?`;
  return `${endpoint} does not answer: ${message}`;
}
