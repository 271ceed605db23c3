/** A DHCPv6 offer from the values that a client tells, where it keeps no message of its server. */
import type { IpAddress } from '../address/accepted.ts';
import { familyOf } from '../address/address.ts';
import { bytesOfAddress, ipAddress } from '../address/address-checks.ts';
import { writeOptions6 } from './dhcp6-message.ts';
import { namesOption } from './option-bytes.ts';
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
  const [servers, times] = [ipv6Bytes(nameservers), ipv6Bytes(timeServers)];
  // A client asks for one option of time servers or for both, and tells the addresses alone.
  const ntp = writeOptions6(times.map((data) => ({ code: NTP_ADDRESS, data })));
  const options: [number, Buffer][] = [
    [NAME_SERVERS, Buffer.concat(servers)],
    [SEARCH, namesOption(search) ?? Buffer.alloc(0)],
    [SNTP_SERVERS, Buffer.concat(times)],
    [NTP_SERVER, ntp],
  ];
  return { address, server: SERVER, options: new Map(options.filter(([, data]) => data.length > 0)) };
}

export function ipv6Addresses(words: readonly string[]): IpAddress[] {
  return words.flatMap((word) => {
    const address = ipAddress(word);
    return address !== null && familyOf(address) === 'ipv6' ? [address] : [];
  });
}

const ipv6Bytes = (words: readonly string[]) => ipv6Addresses(words).map(bytesOfAddress);
