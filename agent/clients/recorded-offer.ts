/** What a DHCPv4 server offered last, as far as a client recorded it: enough for another server to offer it again. */
import type { IpAddress } from '../address/accepted.ts';
import { addressOfBytes } from '../address/address-checks.ts';
import { type BootpMessage, optionAddresses, readBootp } from './bootp.ts';

export interface RecordedOffer {
  readonly address: IpAddress;
  /** null if no server identifier is recorded. */
  readonly server: IpAddress | null;
  /** Addresses of option 3. */
  readonly routers: readonly IpAddress[];
  /** The next server's address, the server's name and the boot file, as in a message. */
  readonly fields: Pick<BootpMessage, 'siaddr' | 'sname' | 'file'>;
  readonly options: ReadonlyMap<number, Buffer>;
}

const ROUTERS = 3;
const SERVER = 54;

/** The offer in a server's message; null if the bytes are none, or give no address. */
export function offerIn(packet: Buffer): RecordedOffer | null {
  const message = readBootp(packet);
  if (message === null || message.op !== 2 || message.yiaddr.every((byte) => byte === 0)) return null;
  const { yiaddr, siaddr, sname, file, options } = message;
  return {
    address: addressOfBytes(yiaddr),
    server: optionAddresses(options.get(SERVER), 4)[0] ?? null,
    routers: optionAddresses(options.get(ROUTERS), 4),
    fields: { siaddr, sname, file },
    options,
  };
}

/** An option without bytes is left out. */
export function presentOptions(
  options: readonly (readonly [code: number, data: Buffer | null])[],
): ReadonlyMap<number, Buffer> {
  return new Map(options.flatMap(([code, data]) => (data === null || data.length === 0 ? [] : [[code, data]])));
}

/** The offer of a record that has values rather than the message. An option without bytes is left out. */
export function offerOf({
  address,
  server,
  nextServer,
  options,
}: {
  readonly address: IpAddress;
  readonly server: IpAddress | null;
  readonly nextServer: IpAddress | null;
  readonly options: Parameters<typeof presentOptions>[0];
}): RecordedOffer {
  const present = presentOptions(options);
  return {
    address,
    server,
    routers: optionAddresses(present.get(ROUTERS), 4),
    fields: {
      siaddr: nextServer === null ? Buffer.alloc(4) : Buffer.from(nextServer.split('.').map(Number)),
      sname: Buffer.alloc(64),
      file: Buffer.alloc(128),
    },
    options: present,
  };
}
