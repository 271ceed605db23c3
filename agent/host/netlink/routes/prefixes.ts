/** The destinations of a family's routes, as short keys, so that a million of them can be compared with a daemon's. */
import type { Family } from '../../../address/address.ts';
import { addressOfBytes, prefixOf } from '../../../address/address-checks.ts';
import { dump } from '../dump.ts';
import { FAMILY, findAttribute, NETLINK_HEADER } from '../message-layout.ts';
import { NetlinkSocket } from '../socket.ts';
import type { RouteCount } from './counts.ts';
import { bytesOf } from './route.ts';
import { RTA, RTMSG, routeDump, tableOf } from './rtmsg.ts';

const BYTES = { ipv4: 4, ipv6: 16 } as const satisfies Record<Family, number>;

/** How many routes have each destination, of those that `wanted` selects by table and protocol. Throws NetlinkError. */
export async function prefixesOf(
  family: Family,
  wanted: (route: Pick<RouteCount, 'table' | 'protocol'>) => boolean,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  using socket = await NetlinkSocket.open();
  const gather = () => {
    const found = new Map<string, number>();
    return {
      take(data: Buffer, at: number, end: number): false {
        const body = at + NETLINK_HEADER;
        // A kernel without this family answers with the routes of all other families.
        if (data[body + RTMSG.family] !== FAMILY[family]) return false;
        if (!wanted({ table: tableOf(data, at, end), protocol: data[body + RTMSG.protocol]! })) return false;
        const destination = findAttribute(data, body + RTMSG.size, end, RTA.destination);
        const bytes = destination === null ? '' : data.toString('latin1', destination.start, destination.end);
        const key = keyOf(family, bytes, data[body + RTMSG.destinationLength]!);
        found.set(key, (found.get(key) ?? 0) + 1);
        return false;
      },
      result: () => found,
    };
  };
  return await dump(socket, routeDump(family), gather, signal);
}

/** The key of a prefix in a daemon's words; null if the text is no prefix of the family. */
export function prefixKey(family: Family, text: string): string | null {
  const [address = '', length = ''] = text.split('/');
  if (!/^\d{1,3}$/.test(length)) return null;
  try {
    const bytes = bytesOf(address);
    if (bytes.length !== BYTES[family] || Number(length) > BYTES[family] * 8) return null;
    return keyOf(family, bytes.toString('latin1'), Number(length));
  } catch {
    return null;
  }
}

export function prefixOfKey(key: string): string {
  const bytes = Buffer.from(key, 'latin1');
  return prefixOf(addressOfBytes(bytes.subarray(1)), bytes[0]!);
}

/** A default route has no bytes. */
function keyOf(family: Family, bytes: string, length: number): string {
  return String.fromCharCode(length) + bytes.padEnd(BYTES[family], '\0');
}
