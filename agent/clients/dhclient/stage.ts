/**
 * How `dhclient -6` is rehearsed: the real dhclient with the host's own script and hooks. The server gives what dhclient's
 * lease file says. (A dhclient of IPv4 is played by its script alone: agent/rehearse/rehearsal.ts.)
 */
import { ipAddress } from '../../address/address-checks.ts';
import { findOption } from '../../config/notation/dhcp-options.ts';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import { addressOption, ipv6Addresses, namesOption, numberOption, textOption } from '../option-bytes.ts';
import type { RecordedOffer6 } from '../recorded-offer6.ts';
import { QUIET_TIMES, type StagedEvent, type StagedFile, type StagePlan } from '../stage-plan.ts';
import { ownDhclientScript } from './dhclient-scripts.ts';
import { currentLease, type Lease, leaseText } from './leases/leases.ts';
import { dhcpClients, type RunningDhclient } from './running.ts';

/** Seconds. dhclient takes any time of DHCPv6. */
const SHORT = { lease: 9, renew: 2, rebind: 4 };

const RUNNING = { family: 6, atStart: false, signal: null, times: SHORT, within: 25 } as const;
/** dhclient asks whether its address still belongs to the network. If no server answers, it keeps the address. */
const START = {
  family: 6,
  atStart: true,
  signal: null,
  times: QUIET_TIMES,
  ends: ['BOUND6', 'RENEW6', 'REBIND6', 'REBOOT6'],
  within: 40,
} as const;

const EVENTS: Record<string, StagedEvent> = {
  RENEW6: { ...RUNNING, answering: 'all', ends: ['RENEW6'] },
  // dhclient looks at T2 only when it would ask its own server again, after some 10 s.
  REBIND6: { ...RUNNING, times: { ...SHORT, lease: 30 }, answering: 'broadcast', ends: ['REBIND6'] },
  EXPIRE6: { ...RUNNING, answering: 'none', ends: ['EXPIRE6'] },
  REBOOT6: { ...START, answering: 'all' },
  TIMEOUT6: { ...START, answering: 'none' },
};

export function dhclientStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const client = dhcpClients(host).find(({ pid }) => pid === holder.pid);
  if (client === undefined) throw new HostError('ENOLEASE', `${holderName(holder)} has ended`);
  const unplayed = client.arguments.find((word) => ['-S', '-P', '-T'].includes(word));
  if (unplayed !== undefined)
    throw new HostError('ENONE', `${holderName(holder)} runs with ${unplayed}: only addresses of DHCPv6 are rehearsed`);
  const lease = currentLease(host, client, iface);
  const offer6 = lease === null ? null : offerOfLease(lease);
  if (lease === null || offer6 === null)
    throw new HostError('ENOLEASE', `${holderName(holder)} has recorded no DHCPv6 lease of ${iface}`);
  return {
    offer: null,
    offer6,
    command: commandOf(client, iface),
    script: ownDhclientScript(host, client),
    leased: ['BOUND6'],
    runFolder: '/run/dhclient',
    missing: [],
    filesRead: rememberedFiles(host, client, lease),
    events: EVENTS,
    notes: [],
  };
}

/** ifup does the same: `dhclient -6` ends if the link has no address of its own. */
const WHEN_UP = `ip link set dev "$1" up
until ip -6 addr show dev "$1" scope link | grep inet6 | grep -qv tentative; do sleep 0.1; done
shift
exec "$@"`;

const LEFT_OUT = ['-1', '-nw', '-w', '-q', '-d', '-pf', '--no-pid'];

/** dhclient in the foreground, without a record of its process. */
function commandOf({ arguments: [program = 'dhclient', ...words], interfaces }: RunningDhclient, iface: string) {
  const kept = words.filter(
    (word, at) => words[at - 1] !== '-pf' && !LEFT_OUT.includes(word) && !interfaces.includes(word),
  );
  return ['sh', '-c', WHEN_UP, 'start', iface, program, ...kept, '-d', '--no-pid', iface];
}

/**
 * A running dhclient remembers its configuration and its lease. The lease has what the configuration put in place of the
 * offer, and the superseded options of IPv4, which the script also gets. A new lease begins from nothing.
 */
function rememberedFiles(host: Host, client: RunningDhclient, { options }: Lease): StagedFile[] {
  const text = leaseText(host, client);
  const names = [...options.keys()];
  const own = names.filter((name) => !name.startsWith('dhcp6.'));
  const definitions = own.flatMap((name) => findOption(name)?.definition ?? []);
  const asked = names.filter((name) => name.startsWith('dhcp6.') && !OF_ONE_MESSAGE.includes(name));
  const conf = [
    ...definitions.map((line) => `${line.replace(/;?$/, ';')}\n`),
    ...(asked.length === 0 ? [] : [`request ${asked.join(', ')};\n`]),
    ...own.map((name) => `supersede ${name} ${options.get(name)};\n`),
  ];
  const changed = client.started - 2000;
  const leases = client.leaseFile ?? '/var/lib/dhcp/dhclient6.leases';
  const identity = /^default-duid .*;$/m.exec(text)?.[0] ?? '';
  return [
    { path: client.confFile, text: conf.join(''), changed },
    { path: leases, text: identity === '' ? '' : `${identity}\n`, changed },
  ];
}

const OF_ONE_MESSAGE = ['dhcp6.client-id', 'dhcp6.server-id', 'dhcp6.preference', 'dhcp6.status-code'];

/** null if the lease names no server or no address. */
function offerOfLease({ address: text, options }: Lease): RecordedOffer6 | null {
  const server = hexBytes(options.get('dhcp6.server-id') ?? '');
  const address = text === null ? null : ipAddress(text);
  if (server === null || address === null) return null;
  const offered = [...options].flatMap(([name, value]): [number, Buffer][] => {
    const definition = name.startsWith('dhcp6.') && !OF_ONE_MESSAGE.includes(name) ? findOption(name) : undefined;
    const data = definition === undefined ? null : bytesOfValue(definition.format, value);
    return definition === undefined || data === null ? [] : [[definition.code, data]];
  });
  return { address, server, options: new Map(offered) };
}

/** `0:1:0:1:2b:…` */
function hexBytes(text: string): Buffer | null {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2})+$/i.test(text)) return null;
  return Buffer.from(text.split(':').map((one) => Number.parseInt(one, 16)));
}

/** dhclient's notation of a value in bytes; null if the text is no such value. `format`: dhcp-option-table.ts. */
function bytesOfValue(format: string, text: string): Buffer | null {
  const items = text.split(',').map((item) => item.trim().replace(/^"|"$/g, ''));
  if (format.startsWith('6')) return addressOption(ipv6Addresses(items));
  if (/^[Dd]/.test(format)) return namesOption(items);
  if (format.startsWith('B')) return numberOption(text, 1);
  if (format.startsWith('S')) return numberOption(text, 2);
  if (/^[LT]/.test(format)) return numberOption(text, 4);
  if (format === 't') return textOption(items[0]);
  return hexBytes(text);
}
