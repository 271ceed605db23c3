/** Alternative names of interfaces (ip-link(8), `altname`): `device-number-1`, `eni-…`. */
import type { Host } from '../host.ts';

/** Milliseconds. The kernel answers within its system calls. */
const TIME = 5000;

/**
 * The own names of interfaces, by those of `names` that are alternative names now. Empty if the kernel does not belong to this host's
 * files, or before Linux 5.5.
 */
export async function ownLinkNames(host: Host, names: readonly string[]): Promise<Map<string, string>> {
  const own = new Map<string, string>();
  if (!host.live) return own;
  const present = new Set(host.list('/sys/class/net'));
  const missing = [...new Set(names)].filter((name) => !present.has(name));
  if (missing.length === 0) return own;
  const { findLink } = await import('./links.ts');
  const { NetlinkError, NetlinkSocket } = await import('./socket.ts');
  using socket = await NetlinkSocket.open();
  for (const name of missing) {
    try {
      // The kernel finds an interface by each of its names, and answers with the interface's own name.
      const link = await findLink(socket, name, AbortSignal.timeout(TIME));
      if (link !== null && link.name !== name) own.set(name, link.name);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
    }
  }
  return own;
}
