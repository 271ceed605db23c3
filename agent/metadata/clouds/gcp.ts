/**
 * Google Compute Engine's metadata server: one JSON document for all interfaces. It gives subnets, but not the ranges
 * of the whole VPC. https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
import ipaddr from 'ipaddr.js';
import type { Prefix } from '../../address/accepted.ts';
import { prefixHolding } from '../../address/address-checks.ts';
import { refusedReply } from './http.ts';
import { answersOf } from './interface-answers.ts';
import type { Provider } from './provider.ts';
import { listOfMaps, parseJson } from './untrusted-json.ts';
import { address, networks } from './value-checks.ts';

const PATH = '/computeMetadata/v1/instance/network-interfaces/?recursive=true';
/** The request must carry this header. Google's server also sends it, which tells it from any other server. */
const FLAVOR = 'metadata-flavor';

export const GCP: Provider = {
  title: 'Google’s metadata',
  async fetch(client, questions) {
    const reply = await client.ask('GET', PATH, { [FLAVOR]: 'Google' });
    if (reply.status !== 200) throw refusedReply(reply, 'the interfaces');
    if (reply.headers[FLAVOR] !== 'Google') throw new Error('its answer is not marked as Google’s (Metadata-Flavor)');
    const interfaces = listOfMaps(parseJson(reply.text), 'its list of interfaces');
    return answersOf(questions, interfaces, 'mac', (found, name) => {
      switch (name) {
        case 'subnet-ipv4-cidr-block':
          return networks([subnet(found.ip, found.subnetmask)], 'ipv4', name);
        case 'subnet-gateway':
          return [address(found.gateway, 'ipv4', name)];
        default:
          throw new Error(`Google’s metadata has no ${name}; write the network itself`);
      }
    });
  },
};

function subnet(ip: unknown, mask: unknown): Prefix {
  const own = address(ip, 'ipv4', 'the interface’s address');
  const dotted = typeof mask === 'string' && ipaddr.IPv4.isValidFourPartDecimal(mask) ? mask : '';
  const length = dotted === '' ? null : ipaddr.IPv4.parse(dotted).prefixLengthFromSubnetMask();
  if (length === null) throw new Error('the interface’s subnetmask is none');
  return prefixHolding(own, length);
}
