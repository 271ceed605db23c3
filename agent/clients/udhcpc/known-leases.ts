/** Leases of udhcpc, which writes no file of them: what our lines of udhcpc.conf recorded. */
import type { Host } from '../../host/host.ts';
import { holderName } from '../client.ts';
import type { KnownLease, KnownLeases } from '../known-lease.ts';
import { OFFER_RECORD, recordedLease } from './recorded.ts';
import { udhcpcHolders, udhcpcProcess } from './running.ts';

export function udhcpcLeases(host: Host): KnownLeases {
  const leases: KnownLease[] = [];
  const unknown: string[] = [];
  for (const holder of udhcpcHolders(host)) {
    const who = holderName(holder);
    const process = udhcpcProcess(host, holder.pid);
    const [iface = ''] = holder.interfaces;
    const lease = process === null ? null : recordedLease(host, process, iface);
    if (lease === null) {
      unknown.push(`${who} runs, and no lease of it is recorded`);
      continue;
    }
    const { nameservers, routers: gateways, ntp: timeServers, server, duration } = lease;
    const where = `${OFFER_RECORD}${iface}`;
    leases.push({ program: 'udhcpc', who, where, nameservers, gateways, timeServers, server, duration });
  }
  return { leases, unknown };
}
