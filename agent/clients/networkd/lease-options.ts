/**
 * The DHCP options of a lease, from the file that systemd-networkd keeps of it in /run (dhcp_lease_save of systemd's
 * sd-dhcp-lease.c). Every value is a server's text, and becomes bytes of an option only if it can be read.
 */
import { addressOption, ipv4Addresses, mtuOption, namesOption, routesOption, textOption } from '../option-bytes.ts';
import { offerOf, type RecordedOffer } from '../recorded-offer.ts';
import { networkdVariables, networkdWords } from './managed-links.ts';

/** null if the file names no address. */
export function offerOfLeaseFile(text: string): RecordedOffer | null {
  const values = networkdVariables(text);
  const words = (key: string) => networkdWords(values.get(key));
  const addresses = (key: string) => ipv4Addresses(words(key));
  const [address] = addresses('ADDRESS');
  if (address === undefined) return null;
  const sip = addressOption(addresses('SIP'));
  // Before systemd 248 one key has both kinds of routes.
  const routes = [...words('CLASSLESS_ROUTES'), ...words('ROUTES')].map((one): [string, string] => {
    const [to = '', via = ''] = one.split(',');
    return [to, via];
  });
  return offerOf({
    address,
    server: addresses('SERVER_ADDRESS')[0] ?? null,
    nextServer: addresses('NEXT_SERVER')[0] ?? null,
    options: [
      [1, addressOption(addresses('NETMASK').slice(0, 1))],
      [3, addressOption(addresses('ROUTER'))],
      [6, addressOption(addresses('DNS'))],
      [12, textOption(values.get('HOSTNAME'))],
      [15, textOption(values.get('DOMAINNAME'))],
      [17, textOption(values.get('ROOT_PATH'))],
      [26, mtuOption(values.get('MTU'))],
      [28, addressOption(addresses('BROADCAST').slice(0, 1))],
      [42, addressOption(addresses('NTP'))],
      [119, namesOption(words('DOMAIN_SEARCH_LIST'))],
      // A list of addresses (RFC 3361).
      [120, sip === null ? null : Buffer.concat([Buffer.from([1]), sip])],
      [121, routesOption(routes)],
    ],
  });
}
