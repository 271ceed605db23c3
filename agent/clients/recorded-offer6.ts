/** The last offer of a DHCPv6 server, as far as a client recorded it. Another server can offer it again. */
import type { IpAddress } from '../address/accepted.ts';
import { addressOfBytes } from '../address/address-checks.ts';
import { options6, readDhcp6Message } from './dhcp6-message.ts';

export interface RecordedOffer6 {
  /** null if the server gave options only. */
  readonly address: IpAddress | null;
  /** The server's identifier (DUID). */
  readonly server: Buffer;
  /** The options outside of associations. */
  readonly options: ReadonlyMap<number, Buffer>;
}

const REPLY = 7;

const SERVER_ID = 2;
const IA_NA = 3;
const IAADDR = 5;

/** Options that belong to one message or one client only (RFC 8415, 21). */
const OF_ONE_MESSAGE = new Set([1, SERVER_ID, IA_NA, 4, IAADDR, 6, 7, 8, 9, 11, 12, 13, 18, 19, 20, 25, 26]);

/** The offer in a server's reply; null if the bytes are none. */
export function offer6In(packet: Buffer): RecordedOffer6 | null {
  const message = readDhcp6Message(packet);
  const server = message?.options.find(({ code }) => code === SERVER_ID)?.data;
  if (message === null || message.type !== REPLY || server === undefined) return null;
  const addresses = message.options
    .filter(({ code }) => code === IA_NA)
    .flatMap(({ data }) => options6(data, 12) ?? [])
    .filter(({ code, data }) => code === IAADDR && data.length >= 24)
    .map(({ data }) => addressOfBytes(data.subarray(0, 16)));
  const options = message.options.flatMap(({ code, data }): [number, Buffer][] =>
    OF_ONE_MESSAGE.has(code) ? [] : [[code, data]],
  );
  return { address: addresses[0] ?? null, server, options: new Map(options) };
}
