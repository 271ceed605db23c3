/**
 * Whether users other than root can read a secret: the daemon's token or key for the collector, or a secret kernel
 * value.
 */
import { dirname } from 'node:path';
import type { DesiredReport } from '../../config/desired-daemon.ts';
import { withoutSecrets } from '../../config/sysctl/secret-sysctls.ts';
import type { Host } from '../../host/host.ts';
import { CREDENTIAL } from '../../host/service/secret-files.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

/** The configured paths. */
export function secretsOf({ tokenFile, key }: DesiredReport): string[] {
  return [tokenFile, key].filter((file) => file !== null);
}

/** The configuration files that hold the value of a secret kernel setting. */
export function filesWithSecrets(host: Host, files: readonly string[]): string[] {
  return files.filter((file) => {
    const text = host.readText(file) ?? '';
    return withoutSecrets(text) !== text;
  });
}

export function* secretsCheck({ host, secrets }: DoctorSurroundings): Iterable<DoctorObservation> {
  for (const file of new Set(secrets.filter((path) => !path.startsWith(CREDENTIAL)))) {
    const who = whoReads(host, file);
    if (who !== null) yield { code: 'HF-SECRET-READABLE', seen: `${file} can be read by ${who}` };
  }
}

/** null if only root can read the file, or if there is no such file, which the daemon reports. */
function whoReads(host: Host, file: string): string | null {
  const stats = host.stat(file);
  if (stats === null) return null;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  const others = (stats.mode & 0o004) !== 0 && isReached(host, file, 0o001);
  if (others) return `every user (mode ${mode})`;
  if ((stats.mode & 0o040) !== 0 && stats.gid !== 0 && isReached(host, file, 0o011))
    return `group ${stats.gid} (mode ${mode})`;
  return stats.uid === 0 ? null : `user ${stats.uid}, whose file it is`;
}

/** Whether any of these bits lets another user through every folder above. */
function isReached(host: Host, path: string, bits: number): boolean {
  const folder = dirname(path);
  if (folder === path) return true;
  return ((host.stat(folder)?.mode ?? 0) & bits) !== 0 && isReached(host, folder, bits);
}
