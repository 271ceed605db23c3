/**
 * The DHCP options of a lease, from the record that NetworkManager keeps of each device in /run. It names them as its
 * dispatcher scripts get them (nm-dhcp-options.c). Every value is a server's text, and becomes bytes only if it can be read.
 */
import type { IniLine } from '../../host/files/ini.ts';
import {
  addressOption,
  ipv4Addresses,
  mtuOption,
  namesOption,
  pairsOf,
  routesOption,
  textOption,
} from '../option-bytes.ts';
import { offerOf, type RecordedOffer } from '../recorded-offer.ts';
import { valueIn } from './profiles.ts';

/** null if the device has no IPv4 lease. */
export function offerOfRecord(record: readonly IniLine[]): RecordedOffer | null {
  const value = (key: string) => valueIn(record, 'dhcp4', `dhcp4.${key}`) ?? undefined;
  const words = (key: string) => (value(key) ?? '').split(/\s+/).filter((word) => word !== '');
  const addresses = (key: string) => ipv4Addresses(words(key));
  const [address] = addresses('ip_address');
  if (address === undefined) return null;
  return offerOf({
    address,
    server: addresses('dhcp_server_identifier')[0] ?? null,
    nextServer: addresses('next_server')[0] ?? null,
    options: [
      [1, addressOption(addresses('subnet_mask').slice(0, 1))],
      [2, secondsOption(value('time_offset'))],
      [3, addressOption(addresses('routers'))],
      [6, addressOption(addresses('domain_name_servers'))],
      [12, textOption(value('host_name'))],
      [15, textOption(value('domain_name'))],
      [17, textOption(value('root_path'))],
      [26, mtuOption(value('interface_mtu'))],
      [28, addressOption(addresses('broadcast_address').slice(0, 1))],
      // Pairs of a destination and its router.
      [33, addressOption(addresses('static_routes'))],
      [40, textOption(value('nis_domain'))],
      [41, addressOption(addresses('nis_servers'))],
      [42, addressOption(addresses('ntp_servers'))],
      [44, addressOption(addresses('netbios_name_servers'))],
      [67, textOption(value('bootfile_name'))],
      [119, namesOption(words('domain_search'))],
      [121, routesOption(pairsOf(words('rfc3442_classless_static_routes')))],
      [249, routesOption(pairsOf(words('ms_classless_static_routes')))],
      [252, textOption(value('wpad'))],
    ],
  });
}

function secondsOption(text: string | undefined): Buffer | null {
  if (text === undefined || !/^-?\d{1,9}$/.test(text)) return null;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Number(text));
  return bytes;
}
