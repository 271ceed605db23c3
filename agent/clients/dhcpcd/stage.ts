/** How dhcpcd(8) is rehearsed: 9 and later, with its own hooks, its own lease file and its own dhcpcd.conf. */
import { HostError } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { holderName, type LeaseHolder } from '../client.ts';
import type { LeaseReason } from '../lease-reasons.ts';
import { offerIn, type RecordedOffer } from '../recorded-offer.ts';
import { QUIET_TIMES, type StagedEvent, type StagedFile, type StagePlan } from '../stage-plan.ts';
import { unplayedSix } from '../unplayed-six.ts';
import { ownScript } from './conf.ts';
import { rememberedConf } from './remembered-conf.ts';
import { DHCPCD_CONF, DHCPCD_LEASES, runHooks } from './running.ts';

const RUN = '/run/dhcpcd';

/** Seconds. dhcpcd takes no lease for less than 20 s (DHCP_MIN_LEASE), but any time of renewal. */
const SHORT = { lease: 20, renew: 2, rebind: 4 };

const AT_START = { atStart: true, signal: null, times: QUIET_TIMES } as const;
const RUNNING = { atStart: false, signal: null, times: SHORT } as const;

const LEASED = ['BOUND', 'REBOOT'];

const EVENTS = {
  RENEW: { ...RUNNING, answering: 'all', ends: ['RENEW'], within: 20 },
  REBIND: { ...RUNNING, answering: 'broadcast', ends: ['REBIND'], within: 20 },
  NAK: { ...RUNNING, answering: 'nak', ends: ['NAK'], within: 20 },
  EXPIRE: { ...RUNNING, answering: 'none', ends: ['EXPIRE'], within: 40 },
  RELOAD: {
    ...RUNNING,
    answering: 'all',
    times: QUIET_TIMES,
    signal: 'SIGHUP',
    ends: ['REBIND', 'RENEW', ...LEASED],
    within: 20,
  },
  // It may probe the address for others that have it, for some seconds.
  REBOOT: { ...AT_START, answering: 'all', ends: LEASED, within: 30 },
  BOUND: { ...AT_START, answering: 'all', ends: LEASED, within: 30 },
  // It asks for the old lease, gives that up after 5 s (EXPIRE), and then takes a link-local address.
  TIMEOUT: { ...AT_START, answering: 'none', ends: ['IPV4LL', 'TIMEOUT', 'FAIL', 'STATIC'], within: 45 },
} satisfies Partial<Record<LeaseReason, StagedEvent>>;

/** dhcpcd.conf(5): with these dhcpcd takes no link-local address, so no event follows the old lease's end. */
const NO_LINK_LOCAL = /^[ \t]*(noipv4ll|noarp)\b/m;

function eventsOf(conf: string): StagePlan['events'] {
  if (!NO_LINK_LOCAL.test(conf)) return EVENTS;
  return { ...EVENTS, TIMEOUT: { ...EVENTS.TIMEOUT, ends: [...EVENTS.TIMEOUT.ends, 'EXPIRE'] } };
}

export function dhcpcdStage(host: Host, holder: LeaseHolder, iface: string): StagePlan {
  const conf = host.readText(DHCPCD_CONF) ?? '';
  const script = ownScript(conf)?.path ?? runHooks(host);
  if (script === null) throw new HostError('ENOENT', `${holderName(holder)}: no dhcpcd-run-hooks was found`);
  const process = host.processes('dhcpcd', 'network').find(({ pid }) => pid === holder.pid);
  const isStale = process !== undefined && changedAfterStart(host, DHCPCD_CONF, process) !== null;
  // The title of `dhcpcd -4 eth0`, which has a control socket of its own.
  const family = process?.arguments[0]?.includes('[ip4]') ? ['-4'] : [];
  const remembered = isStale ? rememberedConf(host, { family, iface, started: holder.started }) : null;
  const six = unplayedSix(
    'dhcpcd',
    iface,
    DHCPCD_LEASES.some((folder) => host.stat(`${folder}/${iface}.lease6`) !== null),
  );
  return {
    offer: recorded(host, iface),
    // One interface is played, whichever the running dhcpcd serves. udev is not on the stage.
    command: ['dhcpcd', '-d', '-B', '--nodev', ...family, iface],
    script,
    leased: LEASED,
    runFolder: RUN,
    // A dhcpcd that finds the process id of a running dhcpcd in these files ends: it takes itself for a second dhcpcd.
    missing: pidFiles(host),
    filesRead: remembered === null ? [] : [remembered],
    events: eventsOf(conf),
    cannot: six.cannot,
    advertisedServers: advertisedServers(host, iface),
    notes: [
      ...six.notes,
      'dhcpcd does not show its command line, so this rehearsal assumes one without options for settings',
      ...(isStale ? [`${DHCPCD_CONF} changed after ${holderName(holder)} started: ${doubt(remembered)}`] : []),
    ],
  };
}

function doubt(remembered: StagedFile | null): string {
  return remembered === null
    ? 'dhcpcd does not say what it remembers, so the rehearsal uses the present file'
    : 'the rehearsal uses the values that dhcpcd says it remembers, and the present file for other options (`nohook`, `nogateway`, `option` …)';
}

/** Throws HostError if there is none. */
function recorded(host: Host, iface: string): RecordedOffer {
  for (const folder of DHCPCD_LEASES) {
    const packet = host.read(`${folder}/${iface}.lease`);
    const offer = packet === null ? null : offerIn(packet);
    if (offer !== null) return offer;
  }
  throw new HostError('ENOLEASE', `dhcpcd has recorded no IPv4 lease of ${iface}`);
}

/** The name servers as dhcpcd's hook for resolv.conf keeps them, if no resolvconf(8) is installed. */
function advertisedServers(host: Host, iface: string): string[] {
  const kept = host.readText(`${RUN}/hook-state/resolv.conf/${iface}.ra`) ?? '';
  return [...kept.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, server]) => server!);
}

function pidFiles(host: Host): string[] {
  const names = host.list(RUN).filter((name) => name === 'pid' || name.endsWith('.pid'));
  return [...names.map((name) => `${RUN}/${name}`), '/run/dhcpcd.pid'];
}
