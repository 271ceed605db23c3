/** The IPv4 default routes of the main table, whosever they are, in the order of their metrics. */
import { RTMSG, routeDump, tableOf } from './counts.ts';
import { isPastDefaults } from './default-routes.ts';
import { dump } from './dump.ts';
import { HEADER } from './message.ts';
import { MAIN_TABLE } from './names.ts';
import { readRoute, type SeenRoute } from './route.ts';
import { NetlinkSocket } from './socket.ts';

/** Of the main table no more is read than stands before 1.0.0.0. Throws NetlinkError. */
export async function ipv4Defaults(signal: AbortSignal): Promise<SeenRoute[]> {
  // A socket of its own: it ends before the kernel's answer does.
  using socket = await NetlinkSocket.open();
  const gather = () => {
    const found: SeenRoute[] = [];
    return {
      take(data: Buffer, at: number, end: number): boolean {
        const isDefault = data[at + HEADER + RTMSG.destinationLength] === 0;
        if (!isDefault) return isPastDefaults(data, at, end);
        const route = tableOf(data, at, end) === MAIN_TABLE ? readRoute(data, at, end) : null;
        if (route?.family === 'ipv4') found.push(route);
        return false;
      },
      result: () => found.sort((a, b) => a.metric - b.metric),
    };
  };
  return dump(socket, routeDump('ipv4'), gather, signal);
}
