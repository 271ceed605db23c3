/**
 * Google Compute Engine's metadata server: one JSON document for all interfaces. It gives subnets, but not the ranges
 * of the whole VPC. https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
import ipaddr from 'ipaddr.js';
import type { Prefix } from '../../address/accepted.ts';
import { prefixHolding } from '../../address/address-checks.ts';
import { errorMessage } from '../../host/errors.ts';
import { refusedReply } from './http.ts';
import type { MetadataAnswer, Provider } from './provider.ts';
import { listOfMaps, parseJson } from './untrusted-json.ts';
import { address, hardwareAddress, networks } from './value-checks.ts';

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
    return questions.map(({ name, mac }): MetadataAnswer => {
      const found = mac === null ? interfaces[0] : interfaces.find((one) => hardwareAddress(one.mac) === mac);
      const own = hardwareAddress(found?.mac);
      if (found === undefined || own === null)
        return { problem: `it knows no interface with the hardware address ${mac}` };
      try {
        switch (name) {
          case 'subnet-ipv4-cidr-block':
            return { mac: own, values: networks([subnet(found.ip, found.subnetmask)], 'ipv4', name) };
          case 'subnet-gateway':
            return { mac: own, values: [address(found.gateway, 'ipv4', name)] };
          default:
            return { problem: `Google’s metadata has no ${name}; write the network itself` };
        }
      } catch (error) {
        return { problem: errorMessage(error) };
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
