/**
 * Asks the kernel which way a packet would go (rtnetlink(7), RTM_GETROUTE). The kernel's own rules, tables and hash
 * decide. No packet is sent, and the cost does not depend on the size of the tables.
 */
import { constants } from 'node:os';
import type { IpAddress } from '../../../address/accepted.ts';
import type { Family } from '../../../address/address.ts';
import { attribute, attributes, FAMILY, MESSAGE, message, NETLINK_HEADER, uint32 } from '../message-layout.ts';
import { errorNumber, kernelError, NetlinkError, type NetlinkSocket } from '../socket.ts';
import { bytesOf } from './route.ts';
import { RTA, RTMSG } from './rtmsg.ts';
import { addressFromBytes, readRoute, type SeenRoute } from './seen-route.ts';

/** Returns the route of the table itself, and the table's number: without the flag, IPv4 always says `main`. */
const RTM_F_FIB_MATCH = 0x2000;
const RTM_F_LOOKUP_TABLE = 0x1000;
const IPPROTO_TCP = 6;
/** A socket's buffer must hold the answers to all questions of one datagram, a kilobyte for each. */
const AT_ONCE = 64;
/**
 * Errors that mean that there is no way: no route, a route that throws packets away (blackhole: EINVAL), no such
 * interface, no such family.
 */
const NO_WAY: readonly number[] = [
  constants.errno.ENODEV,
  constants.errno.ENETDOWN,
  constants.errno.EOPNOTSUPP,
  constants.errno.EAFNOSUPPORT,
  constants.errno.ENETUNREACH,
  constants.errno.EHOSTUNREACH,
  constants.errno.EACCES,
  constants.errno.EINVAL,
];

/** The parts of a TCP connection that the kernel's choice depends on. */
export interface Flow {
  /** In network order, 4 or 16 bytes. */
  readonly destination: Buffer;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The IPv6 flow label, 20 bits; left out, 0. Kernels before Linux 6.14 ignore the label: see `takesFlowLabels`. */
  readonly flowLabel?: number;
}

/** The next hop of a flow. */
export interface Way {
  readonly index: number;
  /** null if the destination is directly on the link. */
  readonly gateway: IpAddress | null;
}

/**
 * The route that a packet to this address takes, by policy rules and more specific routes; null if there is none.
 * `index`: only by this interface. Throws NetlinkError. Needs Linux 4.13, for IPv6 4.18.
 */
export function matchedRoute(
  socket: NetlinkSocket,
  family: Family,
  address: IpAddress,
  { index = 0 }: { index?: number },
  signal: AbortSignal,
): Promise<SeenRoute | null> {
  return routeTo(socket, { family, address, index, flags: RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE }, signal);
}

/**
 * The way of a packet to this address by the kernel's choice: one next hop, and the source address. Otherwise like
 * `matchedRoute`. An MTU that the kernel learned on the path is not part of it.
 */
export async function chosenWay(
  socket: NetlinkSocket,
  family: Family,
  address: IpAddress,
  { index = 0 }: { index?: number },
  signal: AbortSignal,
): Promise<Pick<SeenRoute, 'hops' | 'src' | 'mtu'> | null> {
  const found = await routeTo(socket, { family, address, index, flags: 0 }, signal);
  // A learned MTU expires, and one of a route stays.
  return found === null || found.expires === null ? found : { ...found, mtu: null };
}

async function routeTo(
  socket: NetlinkSocket,
  { family, address, index, flags }: { family: Family; address: IpAddress; index: number; flags: number },
  signal: AbortSignal,
): Promise<SeenRoute | null> {
  let found: SeenRoute | null = null;
  const take = (data: Buffer, at: number, end: number): true => {
    if (!isRoute(data, at, end)) return true;
    found = readRoute(data, at, end);
    if (found === null) throw notARoute();
    return true;
  };
  const destination = bytesOf(address);
  const by = index === 0 ? [] : [attribute(RTA.interface, uint32(index))];
  await socket.converse(question(family, 0, flags, destination, by), take, signal);
  return found;
}

/** One family's flows. Their questions are made once, so asking again costs only the kernel's answers. */
export class FlowSample {
  readonly #batches: Buffer[] = [];
  readonly #size: number;

  constructor(family: Family, flows: readonly Flow[]) {
    this.#size = flows.length;
    for (let from = 0; from < flows.length; from += AT_ONCE) {
      const batch = flows.slice(from, from + AT_ONCE);
      this.#batches.push(
        Buffer.concat(batch.map((flow, n) => question(family, from + n, 0, flow.destination, partsOf(flow)))),
      );
    }
  }

  /** The way of each flow; null if there is none. Throws NetlinkError. */
  async ways(socket: NetlinkSocket, signal: AbortSignal): Promise<(Way | null)[]> {
    const found: (Way | null)[] = Array.from({ length: this.#size }, () => null);
    // There are few next hops: each is parsed once, and recognised by its bytes afterwards.
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

/**
 * Whether this kernel's look-up considers a flow label. An older kernel ignores the attribute, even a damaged one, which
 * a newer kernel refuses. False if nothing leads to the address. Throws NetlinkError.
 */
export async function takesFlowLabels(
  socket: NetlinkSocket,
  destination: Buffer,
  signal: AbortSignal,
): Promise<boolean> {
  const leads = async (label: Buffer) => {
    let isLeading = false;
    const take = (data: Buffer, at: number): true => {
      isLeading = data.readUInt16LE(at + 4) === MESSAGE.newRoute;
      return true;
    };
    await socket.converse(question('ipv6', 0, 0, destination, [attribute(RTA.flowLabel, label)]), take, signal);
    return isLeading;
  };
  return (await leads(bigEndian(0))) && !(await leads(Buffer.alloc(1)));
}

/** Whether the answer is a route. Throws NetlinkError unless it is a route or says that there is none. */
function isRoute(data: Buffer, at: number, end: number): boolean {
  const type = data.readUInt16LE(at + 4);
  if (type === MESSAGE.newRoute) return true;
  const errno = type === MESSAGE.error ? errorNumber(data, at, end) : 0;
  if (errno <= 0) throw notARoute();
  if (!NO_WAY.includes(errno)) throw kernelError(errno, 'route of an address');
  return false;
}

function readWay(data: Buffer, at: number, end: number, known: Map<string, Way>): Way | null {
  let index = 0;
  let gateway: [number, number] | null = null;
  for (const { type, start, end: to } of attributes(data, at + NETLINK_HEADER + RTMSG.size, end)) {
    if (type === RTA.interface) index = data.readInt32LE(start);
    else if (type === RTA.gateway) gateway = [start, to];
    else if (type === RTA.via) gateway = [start + 2, to];
  }
  if (index === 0) return null;
  const key = `${index} ${gateway === null ? '' : data.toString('latin1', ...gateway)}`;
  const way = known.get(key) ?? { index, gateway: gateway === null ? null : addressFromBytes(data, ...gateway) };
  known.set(key, way);
  return way;
}

function notARoute(): NetlinkError {
  return new NetlinkError('EBADMSG', 'the kernel answered something else than a route');
}

function question(family: Family, sequence: number, flags: number, destination: Buffer, more: Buffer[]): Buffer {
  const rtmsg = Buffer.alloc(RTMSG.size);
  rtmsg[RTMSG.family] = FAMILY[family];
  rtmsg[RTMSG.destinationLength] = destination.length * 8;
  rtmsg.writeUInt32LE(flags, RTMSG.flags);
  return message(MESSAGE.getRoute, 0, sequence, rtmsg, attribute(RTA.destination, destination), ...more);
}

function partsOf({ sourcePort, destinationPort, flowLabel }: Flow): Buffer[] {
  const label = flowLabel === undefined ? [] : [attribute(RTA.flowLabel, bigEndian(flowLabel))];
  return [
    ...label,
    attribute(RTA.ipProtocol, Buffer.from([IPPROTO_TCP])),
    attribute(RTA.sourcePort, port(sourcePort)),
    attribute(RTA.destinationPort, port(destinationPort)),
  ];
}

function bigEndian(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function port(number: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}
