/** The names of users by number. */
import type { Host } from '../../host/host.ts';

/** From passwd(5); a user of another name service (LDAP, systemd's dynamic users) has only a number. */
export function userNames(host: Host): ReadonlyMap<number, string> {
  const lines = (host.readTextUnlessAstray('/etc/passwd') ?? '').matchAll(/^([^:\n]{1,64}):[^:\n]*:(\d{1,10}):/gm);
  const found = new Map<number, string>();
  // The first line of a number wins, as in getpwuid(3).
  for (const [, name, id] of lines) if (!found.has(Number(id))) found.set(Number(id), name!);
  return found;
}
