/** Finds the program of a daemon of systemd. */
import type { Host } from '../host/host.ts';

/** null if it is not installed. */
export function systemdProgram(host: Host, name: `systemd-${string}`): string | null {
  const paths = ['/usr/lib', '/lib'].map((folder) => `${folder}/systemd/${name}`);
  return paths.find((path) => host.stat(path)?.isFile()) ?? null;
}
