/** Secrets that systemd hands to a service (LoadCredential=, systemd.exec(5), "Credentials"), each a file that is only its own. */
import { join } from 'node:path';
import { HostError } from './errors.ts';

/** What stands before a credential's name where a file could be named. */
export const CREDENTIAL = 'credential:';

/** The file that is meant: the path itself, or where systemd has put the credential. Throws HostError where it has given none. */
export function secretFile(named: string): string {
  if (!named.startsWith(CREDENTIAL)) return named;
  const name = named.slice(CREDENTIAL.length);
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name)) throw new HostError('EINVAL', `${named} names no credential`);
  const folder = process.env.CREDENTIALS_DIRECTORY;
  if (folder) return join(folder, name);
  const how = `write LoadCredential=${name}:/PATH into the service ("systemctl edit"), and restart it`;
  throw new HostError('ENOENT', `cannot read the credential ${name}: systemd has given none to this process; ${how}`);
}
