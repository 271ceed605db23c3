/**
 * Alternative names of interfaces (ip-link(8), `altname`: `device-number-1`, `eni-…`). DHCP clients and their hooks
 * know only an interface's own name, so settings under another name would never be applied.
 */
import type { DesiredDhcp } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';

/** Milliseconds. The kernel answers within its system calls. */
const TIME = 5000;

/**
 * A sentence about the first configured name that is an alternative name; null if there is none, or if the names are
 * not visible.
 */
export async function alternativeName(host: Host, { interfaces }: DesiredDhcp): Promise<string | null> {
  if (!host.live) return null;
  const present = new Set(host.list('/sys/class/net'));
  const missing = [...interfaces.keys()].filter((name) => !present.has(name));
  if (missing.length === 0) return null;
  const { findLink } = await import('../../host/netlink/links.ts');
  const { NetlinkError, NetlinkSocket } = await import('../../host/netlink/socket.ts');
  try {
    using socket = await NetlinkSocket.open();
    for (const name of missing) {
      // The kernel finds an interface by each of its names, and answers with the interface's own name.
      const link = await findLink(socket, name, AbortSignal.timeout(TIME));
      if (link !== null && link.name !== name)
        return `${name} is an alternative name of ${link.name}, and dhclient knows only ${link.name}: write ${link.name} under dhclient.interfaces`;
    }
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
  return null;
}
