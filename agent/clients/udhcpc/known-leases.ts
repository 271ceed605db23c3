/** udhcpc writes no file of its lease, so what the server offered last is unknown. */
import type { Host } from '../../host/host.ts';
import { holderName } from '../client.ts';
import type { KnownLeases } from '../known-lease.ts';
import { udhcpcHolders } from './running.ts';

export function udhcpcLeases(host: Host): KnownLeases {
  const unknown = udhcpcHolders(host).map((holder) => `${holderName(holder)} runs, and udhcpc records no lease`);
  return { leases: [], unknown };
}
