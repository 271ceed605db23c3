/** The events of dhcpcd(8) on a stage, by what it has on record. */
import type { LeaseReason } from '../lease-reasons.ts';
import type { RecordedOffer6 } from '../recorded-offer6.ts';
import { QUIET_TIMES, type StagedEvent, type StagePlan } from '../stage-plan.ts';

export interface DhcpcdRecord {
  /** Whether it has a lease of DHCPv4. */
  readonly has4: boolean;
  /** null if it has nothing by DHCPv6. */
  readonly offer6: RecordedOffer6 | null;
  readonly hasRouters: boolean;
  /** The text of dhcpcd.conf. */
  readonly conf: string;
}

/** Seconds. dhcpcd takes no lease of DHCPv4 for less than 20 s (DHCP_MIN_LEASE), but any time of renewal. */
const SHORT = { lease: 20, renew: 2, rebind: 4 };
/** Seconds. dhcpcd takes any time of DHCPv6. */
const SHORT6 = { lease: 12, renew: 2, rebind: 4 };

const AT_START = { atStart: true, signal: null, times: QUIET_TIMES } as const;
const RUNNING = { atStart: false, signal: null, times: SHORT } as const;
const RUNNING6 = { ...RUNNING, family: 6, times: SHORT6 } as const;

const LEASED = ['BOUND', 'REBOOT'];
const LEASED6 = ['BOUND6', 'REBOOT6', 'RENEW6', 'REBIND6', 'INFORM6'];

type Events = Partial<Record<LeaseReason, StagedEvent>>;

const EVENTS4 = {
  RENEW: { ...RUNNING, answering: 'all', ends: ['RENEW'], within: 20 },
  REBIND: { ...RUNNING, answering: 'broadcast', ends: ['REBIND'], within: 20 },
  NAK: { ...RUNNING, answering: 'nak', ends: ['NAK'], within: 20 },
  EXPIRE: { ...RUNNING, answering: 'none', ends: ['EXPIRE'], within: 40 },
} satisfies Events;

const EVENTS6 = {
  RENEW6: { ...RUNNING6, answering: 'all', ends: ['RENEW6'], within: 20 },
  REBIND6: { ...RUNNING6, times: { ...SHORT6, lease: 30 }, answering: 'broadcast', ends: ['REBIND6'], within: 30 },
  EXPIRE6: { ...RUNNING6, answering: 'none', ends: ['EXPIRE6'], within: 30 },
} satisfies Events;

/** dhcpcd.conf(5): with these dhcpcd takes no link-local address, so no event follows the old lease's end. */
const NO_LINK_LOCAL = /^[ \t]*(noipv4ll|noarp)\b/m;

/** The events, and the reasons that dhcpcd's script gets when a started dhcpcd has all that it had. */
export function dhcpcdEvents(record: DhcpcdRecord): Required<Pick<StagePlan, 'events' | 'leased' | 'leasedAlso'>> {
  const { has4, offer6, hasRouters, conf } = record;
  const groups = [
    ...(has4 ? [LEASED] : []),
    ...(offer6 === null ? [] : [LEASED6]),
    ...(hasRouters ? [['ROUTERADVERT']] : []),
  ];
  const [leased = [], ...leasedAlso] = groups;
  // It may probe the address for others that have it, for some seconds.
  const start: StagedEvent = { ...AT_START, answering: 'all', ends: leased, also: leasedAlso, within: 30 };
  const events: Events = {
    ...(has4 ? { ...EVENTS4, RELOAD: reload(leasedAlso), REBOOT: start, BOUND: start, TIMEOUT: silent(conf) } : {}),
    ...(has4 ? {} : atStarts6(start, leased, leasedAlso)),
    // Options without an address are asked for again after a day.
    ...(offer6?.address == null ? {} : EVENTS6),
  };
  return { events, leased, leasedAlso };
}

const reload = (also: StagedEvent['also']) => reloadWith(['REBIND', 'RENEW', ...LEASED], also);

function reloadWith(ends: readonly string[], also: StagedEvent['also']): StagedEvent {
  return { ...RUNNING, answering: 'all', times: QUIET_TIMES, signal: 'SIGHUP', ends, also: also ?? [], within: 20 };
}

/** The events at which a dhcpcd without a lease of IPv4 starts, or reads its configuration again. */
function atStarts6(start: StagedEvent, leased: readonly string[], also: StagedEvent['also']): Events {
  return {
    RELOAD: { ...reloadWith(leased, also), family: 6 },
    REBOOT6: { ...start, family: 6 },
    // Without a router and a server nothing comes, so nothing ends the event. dhcpcd asks for a router for 16 s.
    TIMEOUT6: { ...start, family: 6, answering: 'none', ends: [], also: [], within: 20 },
  };
}

/** It asks for the old lease, gives that up after 5 s (EXPIRE), and then takes a link-local address. */
function silent(conf: string): StagedEvent {
  const ends = ['IPV4LL', 'TIMEOUT', 'FAIL', 'STATIC', ...(NO_LINK_LOCAL.test(conf) ? ['EXPIRE'] : [])];
  return { ...AT_START, answering: 'none', ends, within: 45 };
}
