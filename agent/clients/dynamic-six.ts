/** The interfaces to which a server or a router gave IPv6, by the kernel's list of addresses. No process is started for it. */
import type { Host } from '../host/host.ts';

const ADDRESSES = '/proc/net/if_inet6';

/** IFA_F_PERMANENT of linux/if_addr.h. */
const PERMANENT = 0x80;

/**
 * The interfaces with a global address that the kernel counts a lifetime of. An address for ever counts as an operator's, so an
 * interface whose lease or prefix never ends is missing.
 */
export function linksWithDynamicSix(host: Host): Set<string> {
  const lines = (host.readText(ADDRESSES) ?? '').split('\n');
  return new Set(
    lines.flatMap((line) => {
      // Address, index, length of the prefix, scope and flags, in hexadecimal digits; the name.
      const [, , , scope, flags = '', name] = line.trim().split(/ +/);
      const isDynamic = scope === '00' && (Number.parseInt(flags, 16) & PERMANENT) === 0;
      return name !== undefined && isDynamic ? [name] : [];
    }),
  );
}
