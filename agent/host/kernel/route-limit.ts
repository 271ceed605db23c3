/**
 * Whether this kernel enforces net.ipv6.route.max_size. Vendors backport the change, so the kernel's version proves
 * nothing. A fresh network namespace does: it begins with 4096 if the limit is enforced, and with 2147483647 if it is
 * not.
 */
import type { Host } from '../host.ts';
import { runInEmptyNetwork } from './empty-network.ts';

const KEY = 'net/ipv6/route/max_size';
const ENFORCED = '4096';
const IGNORED = '2147483647';

export interface RouteLimit {
  /** This network namespace's value: entries, not bytes. */
  readonly value: string;
  /** null if enforcement cannot be found out. */
  readonly enforced: boolean | null;
  /** The kernel's version. */
  readonly release: string;
  /** The entries that the limit bounds; or the sign that it bounds none; or why we cannot find out. */
  readonly why: string;
}

/** Starts unshare(1). null if this kernel has no such setting. */
export function ipv6RouteLimit(host: Pick<Host, 'sysctl' | 'run'>): RouteLimit | null {
  const value = host.sysctl(KEY);
  if (value === null) return null;
  const release = host.sysctl('kernel/osrelease') ?? '';
  const args = [`/proc/sys/${KEY}`];
  // Without root, a user namespace may let us make the network namespace.
  const asked =
    process.geteuid?.() === 0
      ? runInEmptyNetwork(host, 'cat', args)
      : host.run('unshare', ['--user', '--map-root-user', '--net', 'cat', ...args]);
  const fresh = asked.status === 0 ? asked.stdout.trim() : null;
  if (fresh === ENFORCED) return { value, release, enforced: true, why: bounds(release) };
  const given = `a new network namespace has ${fresh}`;
  if (fresh === IGNORED) return { value, release, enforced: false, why: given };
  return { value, release, enforced: null, why: fresh === null ? (asked.error ?? asked.stderr.trim()) : given };
}

/** The entries that the limit bounds in those kernels of kernel.org that enforce it. */
function bounds(release: string): string {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const version = major * 1000 + minor;
  return `${byVersion(version)}, in kernel.org’s ${major}.${minor}; a vendor’s kernel may differ`;
}

function byVersion(version: number): string {
  if (version < 4018) {
    return 'it counts cached clones and routes from router advertisements, but when it is reached every new route fails (ENOMEM)';
  }
  if (version < 5008) {
    return 'it bounds the cache of destinations, a copy for each processor counted; when it is reached routes can be added but packets fail ("Network is unreachable")';
  }
  return 'it bounds exceptions (path MTU, redirects) and clones; when it is reached, path MTU discovery fails under load';
}
