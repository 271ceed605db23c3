/** The name servers that rdnssd heard last in router advertisements. */
import { ipAddress } from '../../address/address-checks.ts';
import type { Host } from '../../host/host.ts';
import type { KnownLeases } from '../known-lease.ts';
import { HEARD, rdnssd } from './running.ts';

export function rdnssdLeases(host: Host): KnownLeases {
  const process = rdnssd(host);
  if (process === null) return { leases: [], unknown: [] };
  const who = `rdnssd[${process.pid}]`;
  const text = host.readText(HEARD);
  if (text === null) return { leases: [], unknown: [`${who} runs, and ${HEARD} does not exist`] };
  const words = [...text.matchAll(/^nameserver[ \t]+([^\s%]+)/gm)].map(([, word = '']) => word);
  const nameservers = words.flatMap((word) => ipAddress(word) ?? []);
  const lease = { program: 'rdnssd', who, where: HEARD, nameservers, gateways: [], timeServers: [] };
  return { leases: [{ ...lease, sender: 'router', server: null, duration: null }], unknown: [] };
}
