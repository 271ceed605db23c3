/** Looking a name up as every program of the host does, by the C library, in a process that has just read its files. */
import type { Host } from '../host/host.ts';

/** Milliseconds: time for glibc to give up on two of three servers (resolv.conf(5), timeout) and ask the third. */
const TIME_LIMIT = 15_000;

/**
 * Its addresses of both families, each once; none where it is not found in time, or cannot be looked up at all (no
 * getent(1), or a host whose files are not those of this process).
 */
export async function lookUp(host: Host, name: string): Promise<string[]> {
  if (host.root !== '/') return [];
  const { status, stdout } = await host.runBeside('getent', ['ahosts', '--', name], { timeLimit: TIME_LIMIT });
  if (status !== 0) return [];
  return [...new Set(stdout.split('\n').flatMap((line) => line.match(/^\S+/) ?? []))];
}
