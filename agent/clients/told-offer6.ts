/** A DHCPv6 offer from the values that a client tells, where it keeps no message of its server. */
import type { IpAddress } from '../address/accepted.ts';
import { bytesOfAddress } from '../address/address-checks.ts';
import { writeOptions6 } from './dhcp6-message.ts';
import { addressOption, ipv6Addresses, namesOption } from './option-bytes.ts';
import { presentOptions } from './recorded-offer.ts';
import type { RecordedOffer6 } from './recorded-offer6.ts';

/** Words that are no address or name are left out: a server may have sent them. */
export interface ToldOffer6 {
  /** null if the server gave options only. */
  readonly address: IpAddress | null;
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly timeServers: readonly string[];
}

/** A DUID-LL (RFC 8415, 11.4). A client learns its server's identifier anew with each lease. */
const SERVER = Buffer.from('00030001020000000001', 'hex');

const NAME_SERVERS = 23;
const SEARCH = 24;
const SNTP_SERVERS = 31;
const NTP_SERVER = 56;
/** RFC 5908, 4.1. */
const NTP_ADDRESS = 1;

export function toldOffer6({ address, nameservers, search, timeServers }: ToldOffer6): RecordedOffer6 {
  const times = ipv6Addresses(timeServers);
  // A client asks for one option of time servers or for both, and tells the addresses alone.
  const ntp = writeOptions6(times.map((one) => ({ code: NTP_ADDRESS, data: bytesOfAddress(one) })));
  const options = presentOptions([
    [NAME_SERVERS, addressOption(ipv6Addresses(nameservers))],
    [SEARCH, namesOption(search)],
    [SNTP_SERVERS, addressOption(times)],
    [NTP_SERVER, ntp],
  ]);
  return { address, server: SERVER, options };
}
