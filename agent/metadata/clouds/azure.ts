/**
 * Azure's instance metadata service: one JSON document for all interfaces. It gives subnets, but not the ranges of the
 * virtual network. https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service
 */
import type { Prefix } from '../../address/accepted.ts';
import { isMap } from '../../config/plain-map.ts';
import { refusedReply } from './http.ts';
import { answersOf } from './interface-answers.ts';
import type { Provider } from './provider.ts';
import { listOfMaps, parseJson } from './untrusted-json.ts';
import { firstAddress, networks } from './value-checks.ts';

const PATH = '/metadata/instance/network?api-version=2021-02-01&format=json';

export const AZURE: Provider = {
  title: 'Azure’s metadata',
  async fetch(client, questions) {
    const reply = await client.ask('GET', PATH, { metadata: 'true' });
    if (reply.status !== 200) throw refusedReply(reply, 'the interfaces');
    const network = parseJson(reply.text);
    const interfaces = listOfMaps(isMap(network) ? network.interface : null, 'its list of interfaces');
    return answersOf(questions, interfaces, 'macAddress', (found, name) => {
      switch (name) {
        case 'subnet-ipv4-cidr-block':
          return subnets(found, name);
        case 'subnet-gateway':
          return subnets(found, name).slice(0, 1).map(firstAddress);
        default:
          throw new Error(`Azure’s metadata has no ${name}; write the network itself`);
      }
    });
  },
};

function subnets({ ipv4 }: Record<string, unknown>, what: string): Prefix[] {
  const written = listOfMaps(isMap(ipv4) ? ipv4.subnet : null, `${what} of the interface`).map(
    ({ address, prefix }) => {
      if (typeof address !== 'string' || typeof prefix !== 'string') throw new Error(`${what} is no text`);
      return `${address}/${prefix}`;
    },
  );
  return networks(written, 'ipv4', what);
}
