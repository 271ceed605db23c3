/** The last offer of a DHCPv6 server, as far as a client recorded it. Another server can offer it again. */
import type { IpAddress } from '../address/accepted.ts';

export interface RecordedOffer6 {
  /** null if the server gave options only. */
  readonly address: IpAddress | null;
  /** The server's identifier (DUID). */
  readonly server: Buffer;
  /** The options outside of associations. */
  readonly options: ReadonlyMap<number, Buffer>;
}
