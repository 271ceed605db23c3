/** Secrets that systemd hands to a service as files (LoadCredential=, systemd.exec(5), "Credentials"). */
import { join } from 'node:path';
import { HostError } from '../errors.ts';

/** Prefix of a credential's name, written in place of a file's path. */
export const CREDENTIAL = 'credential:';

/**
 * The file's path: the text itself, or the place where systemd put the credential. Throws HostError if systemd gave
 * none.
 */
export function secretFile(named: string): string {
  if (!named.startsWith(CREDENTIAL)) return named;
  const name = named.slice(CREDENTIAL.length);
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name)) throw new HostError('EINVAL', `${named} names no credential`);
  const folder = process.env.CREDENTIALS_DIRECTORY;
  if (folder) return join(folder, name);
  const how = `write LoadCredential=${name}:/PATH into the service ("systemctl edit"), and restart it`;
  throw new HostError('ENOENT', `cannot read the credential ${name}: systemd has given none to this process; ${how}`);
}
