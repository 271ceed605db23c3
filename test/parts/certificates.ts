/** Certificates that openssl makes: of an authority, of a stranger, and of those whom they vouch for. */
import { execFileSync } from 'node:child_process';

/** `ca.pem`, `stranger.pem`, and by one of them `server.pem`, `client.pem` … each with its `.key`. */
export function authority(folder: string, address = '127.0.0.1', names: readonly string[] = []): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const subjects = [`IP:${address}`, ...names.map((name) => `DNS:${name}`)].join();
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  for (const ca of ['ca', 'stranger']) {
    openssl('req', '-x509', ...newKey, '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  for (const [name, ca] of [
    ['server', 'ca'],
    ['client', 'ca'],
    ['impostor', 'stranger'],
  ] as const) {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjects}`];
    const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`];
    openssl('req', '-x509', ...newKey, ...subject, ...by, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
}
