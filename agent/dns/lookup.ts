/** Looks a name up through the C library, as every program does, in a new process that has just read the files. */
import type { IpAddress } from '../address/accepted.ts';
import { ipAddress } from '../address/address-checks.ts';
import type { Host } from '../host/host.ts';

/** Milliseconds: time for glibc to give up on two of three servers (resolv.conf(5), timeout) and ask the third. */
const TIME_LIMIT = 15_000;

/** The socket where nscd listens (paths.h of glibc), under both names of /run. */
const NSCD = ['/run/nscd/socket', '/var/run/nscd/socket'];

/** The services that glibc asks for host names if nsswitch.conf has no line for them (nss_database.c). */
const SERVICES = 'files dns';

/**
 * The name's addresses of both families, each once and without its zone; empty if the look-up fails or takes too long. null if no look-up is
 * possible here (no getent(1), or a host whose files are not those of this process). `timeLimit`: milliseconds.
 */
export async function lookUp(
  host: Host,
  name: string,
  { timeLimit = TIME_LIMIT, signal }: { timeLimit?: number; signal?: AbortSignal } = {},
): Promise<IpAddress[] | null> {
  if (host.root !== '/') return null;
  const args = [...pastCache(host), 'ahosts', '--', name];
  const { status, stdout, error } = await host.runBeside('getent', args, {
    timeLimit,
    ...(signal === undefined ? {} : { signal }),
  });
  if (error !== null && /ENOENT/.test(error)) return null;
  if (status !== 0) return [];
  return [...new Set(stdout.split('\n').flatMap((line) => ipAddress(line.replace(/[\s%].*/s, '')) ?? []))];
}

/** nscd would answer from its cache. getent bypasses nscd if it is given the services, so we pass the host's own. */
function pastCache(host: Host): string[] {
  if (NSCD.every((path) => host.lstat(path) === null)) return [];
  const lines = [...(host.readText('/etc/nsswitch.conf') ?? '').matchAll(/^[ \t]*hosts[ \t]*:([^#\n]*)/gm)];
  return ['-s', `hosts:${lines.at(-1)?.[1]?.trim() || SERVICES}`];
}
