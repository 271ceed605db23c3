/** Checks the bytes of a new token, certificate or key before they replace the ones in force. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Returns the token of RFC 6750, which is visible ASCII. Throws without quoting the text. */
export function tokenIn(text: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error('a token is one line of visible ASCII without blanks');
  return token;
}

/**
 * Throws unless the PEM file has at least one certificate and each can be read: OpenSSL silently skips a certificate
 * that it cannot read.
 */
export function checkCertificates(pem: Buffer): void {
  const text = pem.toString('latin1');
  const all = text.match(CERTIFICATE) ?? [];
  if (all.length === 0) throw new Error('it holds no certificate as PEM');
  if (all.length < text.split(/-----BEGIN [^-]*CERTIFICATE-----/).length - 1)
    throw new Error('a certificate in it has no end');
  for (const one of all) new X509Certificate(one);
}

/** Throws unless the file holds the private key of that certificate; null if any private key will do. */
export function checkKey(key: Buffer, certificate: Buffer | null): void {
  const read = createPrivateKey(key);
  if (certificate !== null && !new X509Certificate(certificate).checkPrivateKey(read))
    throw new Error('this key does not belong to the certificate');
}
