/** Forecasts the next lease event of udhcpc, by the offer that our lines of udhcpc.conf recorded at the last one. */
import type { ConfiguredState } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import { INFINITE } from '../known-lease.ts';
import { decidedFor, type HoldsAtLease, type LeaseForecast, valuesWithHeld } from '../lease-forecast.ts';
import { type RecordedLease, recordedLease } from './recorded.ts';
import { UDHCPC_CONF, udhcpcHolders, udhcpcProcess } from './running.ts';

/** Seconds: udhcpc takes no lease for shorter than that. */
const SHORTEST = 16;

export function udhcpcForecasts(host: Host, desired: ConfiguredState, holds: HoldsAtLease): LeaseForecast[] {
  const conf = host.readText(UDHCPC_CONF) ?? '';
  const others = findBlock(conf)?.before ?? conf;
  const writes = !NO_RESOLV_CONF.test(others);
  return udhcpcHolders(host).flatMap(({ pid, interfaces: [name = ''] }): LeaseForecast[] => {
    const process = udhcpcProcess(host, pid);
    const lease = process === null ? null : recordedLease(host, process, name);
    if (lease === null) return [];
    const { address, nameservers, search, routers, ntp } = lease;
    const without = { nameservers: writes ? nameservers : null, search: writes ? search : null, routers, ntp };
    return [
      {
        pid,
        interface: name,
        family: 4,
        address,
        renews: renewal(lease),
        without,
        with: valuesWithHeld(without, decidedFor(desired, name), holds),
        // udhcpc has no configuration, and its script reads udhcpc.conf at each event.
        stale: null,
      },
    ];
  });
}

/** An operator's line has the script leave resolv.conf alone. */
const NO_RESOLV_CONF = /^[ \t]*(export[ \t]+)?RESOLV_CONF=(["']?)no\2[ \t]*$/im;

/** udhcpc asks again after half of the lease, whatever option 58 says. With a lease below two minutes it takes a few seconds longer. */
function renewal({ duration, written }: RecordedLease): number | null {
  if (duration === null || duration === INFINITE) return null;
  return Math.round(written) + (Math.max(duration, SHORTEST) / 2) * 1000;
}
