/**
 * The plan of a DHCP client that is rehearsed as a whole: the real program runs on a stage, and a server of ours
 * offers what is on record. A client's folder says by data what is special to it; agent/rehearse plays it.
 */
import type { LeaseReason } from './lease-reasons.ts';
import type { RecordedAdvertisement } from './recorded-advertisement.ts';
import type { RecordedOffer } from './recorded-offer.ts';
import type { RecordedOffer6 } from './recorded-offer6.ts';

/**
 * What the server answers: everything, only broadcasts (so that a renewal fails and a rebinding does not), a refusal of
 * each request, or nothing.
 */
export type Answering = 'all' | 'broadcast' | 'nak' | 'none';

/** Seconds: how long the lease is good, and when the client shall renew and rebind it. */
export interface LeaseTimes {
  readonly lease: number;
  readonly renew: number;
  readonly rebind: number;
}

/** A running client renews at no moment of the rehearsal that waits for something else. */
export const QUIET_TIMES: LeaseTimes = { lease: 600, renew: 300, rebind: 500 };

export interface StagedEvent {
  /** Whether it is an event of DHCPv6. Left out: of DHCPv4, and at a start of both. */
  readonly family?: 6;
  /** What the server answers once the event may come. Up to then a running client gets every answer. */
  readonly answering: Answering;
  readonly times: LeaseTimes;
  /** true: the event begins with the client's start. false: the client first comes to its lease without a trace. */
  readonly atStart: boolean;
  /** The signal that causes the event; null if the lease's times or the client's start do. */
  readonly signal: NodeJS.Signals | null;
  /** The reasons that the client's script gets at the event's end. */
  readonly ends: readonly string[];
  /** Further reasons: the event ends only when one of each list has also come. An event of both families has them. */
  readonly also?: readonly (readonly string[])[];
  /**
   * The server's answer that ends the event, where no script does: `unicast 3 5` is a request that it acknowledged
   * (option 53 of both).
   */
  readonly answered?: string;
  /** Seconds after which the event does not come any more. */
  readonly within: number;
}

/** A file of the stage that is not as on the host. */
export interface StagedFile {
  readonly path: string;
  /** latin1, as Host.readText; null if there is no such file. */
  readonly text: string | null;
  /** Milliseconds since the epoch: the time of the file's last change. */
  readonly changed: number;
}

export interface StagePlan {
  /** null if the client has no lease of DHCPv4. */
  readonly offer: RecordedOffer | null;
  /** Left out if the client has no lease of DHCPv6. */
  readonly offer6?: RecordedOffer6;
  /**
   * What the routers of the link advertised last, one of each router; left out or empty if none did. The stage sends them
   * every second, except while its server answers nothing to DHCPv6. Addresses and routes of IPv6 are then on the stage,
   * and in its result, also without a lease of DHCPv6.
   */
  readonly advertisements?: readonly RecordedAdvertisement[];
  /** The command line that keeps the client in the foreground. */
  readonly command: readonly string[];
  /** The script that the client runs at its events; null if it runs none, and the command says itself what came. */
  readonly script: string | null;
  /** The reasons that the script gets when the started client has its lease. */
  readonly leased: readonly string[];
  /** As StagedEvent.also. */
  readonly leasedAlso?: StagedEvent['also'];
  /** The client's own folder in /run. Its sockets there belong to the running client. */
  readonly runFolder: string;
  /** A folder in /run that is filled anew before the client starts at a boot, and that the stage takes as it is now. */
  readonly keptInRun?: string;
  /** Files that the stage does not have, such as the record of a running process. */
  readonly missing: readonly string[];
  /** The files as the running client has read them, where the host's are newer. */
  readonly filesRead: readonly StagedFile[];
  readonly events: Readonly<Partial<Record<LeaseReason, StagedEvent>>>;
  /** The client's start at the machine's start, if it differs from the events of the same name. */
  readonly boot?: StagedEvent;
  /** Events of this client that the stage cannot play, and why; at the machine's start none of them is asked for. */
  readonly cannot?: Readonly<Partial<Record<LeaseReason, string>>> | undefined;
  /** The file that has the name servers of the event's end, if another program answers libc. Default: resolv.conf. */
  readonly resolvConf?: string;
  /** true: the running client first makes its addresses and routes itself, and then those of others are added. */
  readonly bareStart?: true;
  /** Name servers that the client has by router advertisements. The stage sends none. */
  readonly advertisedServers?: readonly string[];
  /** What stays unknown about the machine's start. */
  readonly bootNotes?: readonly string[];
  /** What stays unknown about the running client. */
  readonly notes: readonly string[];
}
