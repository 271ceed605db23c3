/** Checks the bytes of a new token, certificate or key before they replace the ones in force. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/**
 * The tokens of RFC 6750, which are visible ASCII, one a line. Lines that are empty or begin with `#` are left out, and
 * blanks around a token too, so line ends may be those of DOS. Throws without quoting a line, which may be a token.
 */
export function tokensIn(text: string): string[] {
  // Notepad begins a file with a byte-order mark; some readers decode its three bytes one by one.
  const lines = text.replace(/^(?:\ufeff|\u00ef\u00bb\u00bf)/, '').split('\n');
  const tokens = lines.flatMap((line, index) => {
    const token = line.trim();
    if (token === '' || token.startsWith('#')) return [];
    const problem = problemOf(token);
    if (problem !== null) throw new Error(`line ${index + 1}: ${problem}`);
    return [token];
  });
  if (tokens.length === 0) throw new Error('it holds no token: write one on a line of its own');
  return tokens;
}

/** The only token of a file. Throws as `tokensIn` does, and if there are several. */
export function tokenIn(text: string): string {
  const tokens = tokensIn(text);
  if (tokens.length > 1) throw new Error(`it holds ${tokens.length} tokens, and this host shows one: leave one line`);
  return tokens[0]!;
}

/** null if the text may be a token. */
function problemOf(token: string): string | null {
  if (/^[\x21-\x7e]+$/.test(token)) return null;
  if (/\s/.test(token)) return 'a token has no blanks, and a comment needs a line of its own that begins with "#"';
  return 'a token is visible ASCII, and this line has other characters: is the file UTF-16, or no text?';
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
