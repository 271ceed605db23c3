/**
 * Which way would this packet go? Asked of the kernel itself, packet by packet (rtnetlink(7), RTM_GETROUTE): its own rules,
 * tables and hash decide, no packet is sent, and it costs the same whatever the tables hold.
 */
import { constants } from 'node:os';
import { RTMSG, tableOf } from './counts.ts';
import { ATTRIBUTE, address, type Hop, nexthopObject, readRoute } from './default-routes.ts';
import { attribute, attributes, FAMILY, type Family, HEADER, MESSAGE, message } from './message.ts';
import { errorNumber, kernelError, NetlinkError, type NetlinkSocket } from './socket.ts';

const RTM_F_FIB_MATCH = 0x2000;
const FLOW = { protocol: 27, sourcePort: 28, destinationPort: 29 } as const;
const IPPROTO_TCP = 6;
/** A socket's buffer has to hold the answers to all questions of one datagram, a kilobyte of it each. */
const AT_ONCE = 64;
/** There is no way: no route, or one that throws packets away (blackhole: EINVAL). */
const NO_WAY: readonly number[] = [
  constants.errno.ENETUNREACH,
  constants.errno.EHOSTUNREACH,
  constants.errno.EACCES,
  constants.errno.EINVAL,
];

/** The route that a packet's destination is matched by. */
export interface MatchedRoute {
  /** 0: it is a default route. */
  readonly prefixLength: number;
  readonly table: number;
  /** As in rt_protos. */
  readonly protocol: number;
  readonly metric: number;
  /** None: packets are thrown away. */
  readonly hops: readonly Hop[];
}

/** A TCP connection, as far as the kernel's choice depends on it. */
export interface Flow {
  /** In network order, 4 or 16 bytes. */
  readonly destination: Buffer;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** The next hop of a flow. */
export interface Way {
  readonly index: number;
  /** null: directly on the link. */
  readonly gateway: string | null;
}

/** null: no route. Throws NetlinkError. Linux 4.13, for IPv6 4.18. */
export async function matchedRoute(
  socket: NetlinkSocket,
  family: Family,
  destination: Buffer,
  signal: AbortSignal,
): Promise<MatchedRoute | null> {
  let found: (MatchedRoute & { nexthopId: number | null }) | null = null;
  const take = (data: Buffer, at: number, end: number): true => {
    if (!isRoute(data, at, end)) return true;
    const body = at + HEADER;
    found = {
      ...readRoute(data, body, end),
      prefixLength: data[body + RTMSG.destinationLength]!,
      table: tableOf(data, at, end),
      protocol: data[body + RTMSG.protocol]!,
    };
    return true;
  };
  await socket.converse(question(family, 0, RTM_F_FIB_MATCH, { destination }), take, signal);
  if (found === null) return null;
  const { nexthopId, ...route } = found as MatchedRoute & { nexthopId: number | null };
  // The kernel spells a nexthop object out, unless net.ipv4.nexthop_compat_mode is 0.
  if (nexthopId === null || route.hops.length > 0) return route;
  return { ...route, hops: await nexthopObject(socket, nexthopId, signal) };
}

/** One family's flows, made into questions once: to ask again costs only the kernel's answers. */
export class FlowSample {
  readonly #batches: Buffer[] = [];
  readonly #size: number;

  constructor(family: Family, flows: readonly Flow[]) {
    this.#size = flows.length;
    for (let from = 0; from < flows.length; from += AT_ONCE) {
      const batch = flows.slice(from, from + AT_ONCE);
      this.#batches.push(Buffer.concat(batch.map((flow, n) => question(family, from + n, 0, flow))));
    }
  }

  /** The way of each flow; null: there is none. Throws NetlinkError. */
  async ways(socket: NetlinkSocket, signal: AbortSignal): Promise<(Way | null)[]> {
    const found: (Way | null)[] = Array.from({ length: this.#size }, () => null);
    // There are few next hops: each is read once, and known by its bytes then.
    const known = new Map<string, Way>();
    for (const [n, batch] of this.#batches.entries()) {
      let left = Math.min(AT_ONCE, this.#size - n * AT_ONCE);
      const take = (data: Buffer, at: number, end: number): boolean => {
        const flow = data.readUInt32LE(at + 8);
        if (isRoute(data, at, end) && flow < found.length) found[flow] = readWay(data, at, end, known);
        left -= 1;
        return left === 0;
      };
      await socket.converse(batch, take, signal);
    }
    return found;
  }
}

/** Throws NetlinkError for any other answer than a route, or that there is none. */
function isRoute(data: Buffer, at: number, end: number): boolean {
  const type = data.readUInt16LE(at + 4);
  if (type === MESSAGE.newRoute) return true;
  const errno = type === MESSAGE.error ? errorNumber(data, at, end) : 0;
  if (errno <= 0) throw new NetlinkError('EBADMSG', 'the kernel answered something else than a route');
  if (!NO_WAY.includes(errno)) throw kernelError(errno, 'route of an address');
  return false;
}

function readWay(data: Buffer, at: number, end: number, known: Map<string, Way>): Way | null {
  let index = 0;
  let gateway: [number, number] | null = null;
  for (const { type, start, end: to } of attributes(data, at + HEADER + RTMSG.size, end)) {
    if (type === ATTRIBUTE.interface) index = data.readInt32LE(start);
    else if (type === ATTRIBUTE.gateway) gateway = [start, to];
    else if (type === ATTRIBUTE.via) gateway = [start + 2, to];
  }
  if (index === 0) return null;
  const key = `${index} ${gateway === null ? '' : data.toString('latin1', ...gateway)}`;
  const way = known.get(key) ?? { index, gateway: gateway === null ? null : address(data, ...gateway) };
  known.set(key, way);
  return way;
}

function question(
  family: Family,
  sequence: number,
  flags: number,
  { destination, sourcePort, destinationPort }: Partial<Flow> & Pick<Flow, 'destination'>,
): Buffer {
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = destination.length * 8;
  rtmsg.writeUInt32LE(flags, RTMSG.flags);
  const body = [rtmsg, attribute(ATTRIBUTE.destination, destination)];
  if (sourcePort !== undefined && destinationPort !== undefined) {
    body.push(attribute(FLOW.protocol, Buffer.from([IPPROTO_TCP])));
    body.push(attribute(FLOW.sourcePort, port(sourcePort)), attribute(FLOW.destinationPort, port(destinationPort)));
  }
  return message(MESSAGE.getRoute, 0, sequence, ...body);
}

function port(number: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}
