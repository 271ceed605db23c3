/** Forecasts the next lease event of dhcpcd, by its file of the present lease and its configuration. */
import { addressOfBytes } from '../../address/address-checks.ts';
import type { ConfiguredState } from '../../config/desired.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { findBlock } from '../../resolver/marked-block.ts';
import { optionAddresses, readBootp } from '../bootp.ts';
import { optionDomains } from '../dhcp-domains.ts';
import { options6 } from '../dhcp6-message.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';
import { INFINITE } from '../known-lease.ts';
import {
  decidedFor,
  type HoldsAtLease,
  type LeaseForecast,
  type LeaseValues,
  valuesWithHeld,
} from '../lease-forecast.ts';
import { type ConfEffects, effectsOf } from './conf-statements.ts';
import { heardRouters } from './heard-routers.ts';
import { DHCPCD_CONF, DHCPCD_LEASES, dhcpcdHolders, familyOption } from './running.ts';

export function dhcpcdForecasts(host: Host, desired: ConfiguredState, holds: HoldsAtLease): LeaseForecast[] {
  const conf = host.readText(DHCPCD_CONF) ?? '';
  const block = findBlock(conf);
  const others = block === null ? conf : block.before + block.after;
  const links = host.list('/sys/class/net');
  const dynamic = linksWithDynamicSix(host);
  return dhcpcdHolders(host).flatMap(({ pid, interfaces }) => {
    const process = host.processes('dhcpcd', 'network').find((one) => one.pid === pid);
    const isStale = process !== undefined && changedAfterStart(host, DHCPCD_CONF, process) !== null;
    const stale = isStale
      ? `${DHCPCD_CONF} changed after its start; it reads the file at "dhcpcd -n" and at its next start`
      : null;
    // Without a lease of DHCPv6, what routers sent is all that it has of IPv6.
    const advertised = (name: string): RecordedLease | null => {
      const heard = process !== undefined && dynamic.has(name) ? heardRouters(host, name, familyOption(process)) : null;
      return heard === null ? null : { address: heard.address, seconds: null, values: { ...heard, ntp: null } };
    };
    return (interfaces === 'all' ? links : interfaces).flatMap((name) =>
      FAMILIES.flatMap(({ family, suffix, read }) => {
        const file = DHCPCD_LEASES.map((folder) => `${folder}/${name}.${suffix}`).find(
          (one) => host.stat(one) !== null,
        );
        const packet = file === undefined ? null : host.read(file);
        const written = file === undefined ? null : (host.stat(file)?.mtimeMs ?? null);
        const lease = (packet === null ? null : read(packet)) ?? (family === 6 ? advertised(name) : null);
        if (lease === null) return [];
        const without = byConf(lease.values, family, effectsOf(others, name));
        return [
          {
            pid,
            interface: name,
            family,
            address: lease.address,
            renews: lease.seconds === null || written === null ? null : written + lease.seconds * 1000,
            without,
            with: valuesWithHeld(without, decidedFor(desired, name), holds),
            stale,
          },
        ];
      }),
    );
  });
}

interface RecordedLease {
  readonly address: string | null;
  /** From the lease's begin to the first renewal; null if the lease never ends. */
  readonly seconds: number | null;
  readonly values: LeaseValues;
}

const FAMILIES = [
  { family: 4, suffix: 'lease', read: lease4 },
  { family: 6, suffix: 'lease6', read: lease6 },
] as const;

/** dhcpcd renews at the server's T1, else after half of the lease (RFC 2131). */
function lease4(packet: Buffer): RecordedLease | null {
  const message = readBootp(packet);
  if (message === null) return null;
  const { options, yiaddr } = message;
  const number = (code: number) => (options.get(code)?.length === 4 ? options.get(code)!.readUInt32BE() : null);
  const duration = number(51);
  const domain = options.get(15)?.toString('latin1').replace(/\0+$/, '').split(' ') ?? [];
  const search = optionDomains(options.get(119));
  return {
    address: addressOfBytes(yiaddr),
    seconds: duration === null || duration === INFINITE ? null : (number(58) ?? Math.floor(duration / 2)),
    values: {
      nameservers: optionAddresses(options.get(6), 4),
      search: search.length > 0 ? search : domain.filter((name) => name !== ''),
      routers: optionAddresses(options.get(3), 4),
      ntp: optionAddresses(options.get(42), 4),
    },
  };
}

/** The first address of the first association (RFC 8415): its identity, T1, T2, and options. */
function lease6(packet: Buffer): RecordedLease | null {
  const options = packet.length < 4 ? null : options6(packet, 4);
  if (options === null) return null;
  const of = (code: number) => options.find((one) => one.code === code)?.data;
  const association = of(3);
  // A host may ask for a prefix only.
  const timed = association ?? of(25);
  const address =
    association === undefined ? undefined : options6(association, 12)?.find(({ code }) => code === 5)?.data;
  const t1 = timed === undefined || timed.length < 12 ? null : timed.readUInt32BE(4);
  return {
    address: address === undefined || address.length < 16 ? null : addressOfBytes(address.subarray(0, 16)),
    // 0 leaves the time to the client.
    seconds: t1 === null || t1 === 0 || t1 === INFINITE ? null : t1,
    values: {
      nameservers: optionAddresses(of(23), 16),
      search: optionDomains(of(24)),
      routers: null,
      ntp: optionAddresses(of(31), 16),
    },
  };
}

/** `static` and `nooption` lines that are not ours. dhcpcd asks only for options that its file names. */
function byConf(offered: LeaseValues, family: 4 | 6, { statics, lists }: ConfEffects): LeaseValues {
  const value = (name: string, values: readonly string[] | null) => {
    const fixed = family === 4 ? statics.get(name)?.value.split(/ +/) : undefined;
    const refused = lists.get(family === 4 ? name : `dhcp6_${name}`)?.name === 'nooption';
    return fixed ?? (refused ? [] : values);
  };
  return {
    nameservers: value(family === 4 ? 'domain_name_servers' : 'name_servers', offered.nameservers),
    search: value('domain_search', offered.search),
    routers: value('routers', offered.routers),
    ntp: value(family === 4 ? 'ntp_servers' : 'sntp_servers', offered.ntp),
  };
}
