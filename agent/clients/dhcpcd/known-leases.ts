/**
 * Leases of dhcpcd. Its lease file is the server's last message as it came: BOOTP (RFC 2131) in IF.lease, DHCPv6 (RFC
 * 8415) in IF.lease6.
 */
import { errorMessage, HostError } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { optionAddresses, readBootp } from '../bootp.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { options6 } from '../dhcp6-message.ts';
import { linksWithDynamicSix } from '../dynamic-six.ts';
import type { KnownLease, KnownLeases } from '../known-lease.ts';
import { heardRouters } from './heard-routers.ts';
import { DHCPCD_CONF, DHCPCD_LEASES, dhcpcdHolders, familyOption } from './running.ts';

export function dhcpcdLeases(host: Host): KnownLeases {
  const leases: KnownLease[] = [];
  const unknown: string[] = [];
  for (const holder of dhcpcdHolders(host)) {
    const links = holder.interfaces === 'all' ? host.list('/sys/class/net') : holder.interfaces;
    const before = leases.length;
    for (const path of DHCPCD_LEASES.flatMap((folder) => filesOf(host, folder, links))) {
      try {
        const packet = host.read(path);
        const lease = packet === null ? null : path.endsWith('6') ? readDhcp6(packet) : readDhcp4(packet);
        if (lease !== null)
          leases.push({ program: 'dhcpcd', who: holderName(holder), where: path, ...lease, ...doubtOf(host, holder) });
        else unknown.push(`${path} is no lease that can be read`);
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        unknown.push(errorMessage(error));
      }
    }
    leases.push(...links.flatMap((name) => ofRouters(host, holder, name)));
    if (leases.length === before && links.length > 0)
      unknown.push(`${holderName(holder)} runs, and no lease of it is recorded`);
  }
  return { leases, unknown };
}

/** The routers that it heard on an interface to which one gave an address. */
function ofRouters(host: Host, holder: LeaseHolder, name: string): KnownLease[] {
  const process = host.processes('dhcpcd', 'network').find(({ pid }) => pid === holder.pid);
  if (process === undefined || !linksWithDynamicSix(host).has(name)) return [];
  const heard = heardRouters(host, name, familyOption(process));
  if (heard === null) return [];
  return [
    {
      program: 'dhcpcd',
      who: holderName(holder),
      where: `dhcpcd -U ${name}`,
      nameservers: heard.nameservers,
      gateways: heard.routers,
      timeServers: [],
      sender: 'router',
      server: null,
      duration: null,
      ...doubtOf(host, holder),
    },
  ];
}

/** dhcpcd takes the static servers of its configuration before those of the offer, as it read them at its start. */
function doubtOf(host: Host, holder: LeaseHolder): { doubt?: string } {
  const process = host.processes('dhcpcd', 'network').find(({ pid }) => pid === holder.pid);
  if (process === undefined || changedAfterStart(host, DHCPCD_CONF, process) === null) return {};
  const doubt = `${holderName(holder)} may have read an older ${DHCPCD_CONF}, and brings back the name servers that the file had then`;
  return { doubt };
}

/** IF.lease and IF.lease6; a network's name may follow that of a wireless interface. */
function filesOf(host: Host, folder: string, links: readonly string[]): string[] {
  return host
    .list(folder)
    .filter((file) => {
      const name = /^(.+)\.lease6?$/.exec(file)?.[1];
      return name !== undefined && links.some((link) => name === link || name.startsWith(`${link}-`));
    })
    .map((file) => `${folder}/${file}`);
}

type Offer = Omit<KnownLease, 'program' | 'who' | 'where'>;

/** null if the bytes are no DHCP message. */
export function readDhcp4(packet: Buffer): Offer | null {
  const options = readBootp(packet)?.options;
  if (options === undefined) return null;
  const time = options.get(51);
  return {
    nameservers: optionAddresses(options.get(6), 4),
    gateways: optionAddresses(options.get(3), 4),
    timeServers: optionAddresses(options.get(42), 4),
    server: optionAddresses(options.get(54), 4)[0] ?? null,
    duration: time?.length === 4 ? time.readUInt32BE(0) : null,
  };
}

/** null if the bytes are no DHCPv6 message. */
export function readDhcp6(packet: Buffer): Offer | null {
  if (packet.length < 4) return null;
  const options = options6(packet, 4);
  if (options === null) return null;
  const of = (code: number) => options.find((one) => one.code === code)?.data;
  // The valid lifetime stands in an address (5) of an association (3), behind 12 bytes of identity and times.
  const lifetimes = options
    .filter(({ code }) => code === 3)
    .flatMap(({ data }) => options6(data, 12) ?? [])
    .filter(({ code, data }) => code === 5 && data.length >= 24)
    .map(({ data }) => data.readUInt32BE(20));
  return {
    nameservers: optionAddresses(of(23), 16),
    gateways: [],
    timeServers: optionAddresses(of(31), 16),
    server: null,
    duration: lifetimes.length === 0 ? null : Math.max(...lifetimes),
  };
}
