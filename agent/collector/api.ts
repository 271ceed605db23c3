/** The collector's HTTP API, as the page and other readers see it. All times are milliseconds since the epoch. */
import type { WaveStanding } from '../confirm/wire/wave-talk.ts';
import type { Dependence, Tense } from '../depends/dependence.ts';

/** `GET /api/v1/hosts?search=&label=key:value&attention=1&change=&limit=&offset=`: attention first, then by name. */
export interface HostsAnswer {
  readonly total: number;
  readonly hosts: readonly HostRow[];
}

/** A trouble of the collector itself. */
export interface Trouble {
  /** `disk`, `database`, `clock`, `left-out`, `token-file`, `certificate`, `expected`, `retention`, `tidying`. */
  readonly code: string;
  readonly text: string;
  readonly since: number;
}

/** `GET /healthz`: `ok` or `trouble`, with status 503 if the collector cannot store what hosts send. */
export interface HealthAnswer {
  readonly status: 'ok' | 'trouble';
  readonly version: string;
  readonly trouble: readonly Trouble[];
}

/** `GET /api/v1/summary`. */
export interface SummaryAnswer {
  /** Troubles of the collector itself. Show them first, because they can make hosts look wrong. */
  readonly trouble: readonly Trouble[];
  readonly hosts: number;
  /** Hosts by the code of what needs attention: `silent`, `drifted`, `duplicate-id` …; the 100 most frequent. */
  readonly attention: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Changes that are provisional on some hosts; the 20 with the most hosts. */
  readonly provisional: readonly { readonly change: string; readonly hosts: number }[];
  /** The 20 rollouts that changed last, of those with work left or a change in the last day; stopped ones first. */
  readonly rollouts: readonly RolloutRow[];
  /** Changes that hold now, and that hosts have not yet seen at a lease event or a boot; the 20 with the most hosts. */
  readonly unseen: readonly { readonly change: string; readonly hosts: number }[];
  readonly version: string;
}

/** Hosts that take one change, wave by wave. `GET /api/v1/waves` gives the list of SummaryAnswer. */
export interface RolloutRow {
  /** The name, or `config-` with the first 12 digits of the configuration's hash. */
  readonly id: string;
  /** The present wave, counted from 1, and how many there are. */
  readonly wave: number;
  readonly waves: number;
  /** Hosts that may be admitted in this wave; null: all. */
  readonly limit: number | null;
  /** Hosts that the collector knows. */
  readonly known: number;
  /** Hosts that were admitted so far. The next four are parts of them; the rest has no result yet. */
  readonly admitted: number;
  readonly confirmed: number;
  readonly provisional: number;
  readonly putBack: number;
  /** Hosts whose result never came. */
  readonly lost: number;
  readonly waiting: number;
  /** Whether provisional changes hold the next wave up. */
  readonly held: boolean;
  /** null while the rollout goes on. */
  readonly stopped: { readonly why: string; readonly since: number } | null;
}

export interface HostRow {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly agent: string;
  readonly kernel: string;
  readonly lastSeen: number;
  /** No heartbeat for three of its intervals. */
  readonly silent: boolean;
  readonly settings: { readonly ok: number; readonly drifted: number; readonly unknown: number };
  readonly routes: { readonly ipv4: RouteTable | null; readonly ipv6: RouteTable | null };
  /** The number in the last 24 h. */
  readonly memoryErrors: number;
  /** The id of the change that stays and is not proved yet; null if there is none. */
  readonly provisional: string | null;
  /** The last change about which the host asked its collector; null if there is none. */
  readonly wave: { readonly rollout: string; readonly change: string; readonly standing: WaveStanding } | null;
  /** The change that was not seen yet at these later moments (`lease`, `boot`); null if there is none. */
  readonly unseen: { readonly change: string; readonly moments: readonly string[] } | null;
  readonly attention: readonly { readonly code: string; readonly text: string; readonly since: number }[];
}

export interface RouteTable {
  readonly count: number;
  /** null if no limit is in force. */
  readonly limit: number | null;
  /**
   * The number that the kernel compares with the limit. This is not always the number of routes:
   * net.ipv6.route.max_size limits other entries.
   */
  readonly used: number;
}

/** `GET /api/v1/hosts/ID`. */
export interface HostAnswer {
  readonly host: HostRow;
  readonly settings: readonly {
    readonly setting: string;
    readonly moments: Readonly<Partial<Record<'now' | 'lease' | 'boot', string>>>;
  }[];
  readonly events: readonly HostEvent[];
  /** The machine's last reported inventory: `board`, `memory.0`, `network.eth0`. Empty if unknown. */
  readonly inventory: Readonly<Record<string, string>>;
}

/**
 * `GET /api/v1/hosts/ID/events?before=TIME&beforeId=ID&limit=`: newest first. `before` and `beforeId` are the time and
 * id of the last event of the previous page. Without `beforeId`, a page goes on to the end of its last millisecond.
 */
export interface HostEvent {
  /** Grows with each new event. */
  readonly id: number;
  readonly time: number;
  readonly name: string;
  readonly severity: 'info' | 'warn' | 'error';
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** `GET /api/v1/hosts/ID/series?metric=NAME&from=&to=&points=300`: with many series, each has fewer points. */
export interface SeriesAnswer {
  readonly metric: string;
  readonly unit: string;
  readonly series: readonly {
    readonly attributes: Readonly<Record<string, string>>;
    readonly points: readonly (readonly [time: number, value: number])[];
  }[];
  /** The number of series that the answer leaves out. */
  readonly leftOut: number;
}

/** `GET /api/v1/stream`, server-sent events, at most one a second: the rows that changed, and the summary. */
export interface StreamMessage {
  readonly hosts: readonly HostRow[];
  readonly summary: SummaryAnswer;
}

/**
 * Whether a host reports now. `lost`: the collector forgot it, because it was silent for so long. `never`: it is
 * expected, and did not report yet.
 */
export type Standing = 'reports' | 'silent' | 'lost' | 'never';

/** One way in which a host depends on the address. */
export type HostDependence = Omit<Dependence, 'address'>;

export interface Dependent {
  readonly id: string;
  readonly name: string;
  readonly standing: Standing;
  /** When it was heard last; 0 if never. */
  readonly seen: number;
  /** In the order of TENSES. */
  readonly dependences: readonly HostDependence[];
}

export interface UnseenHost {
  /** The id in the API, or the expected name of a host that is unknown. */
  readonly id: string;
  readonly name: string;
  readonly standing: Standing;
  /** When it was heard last; 0 if never. */
  readonly seen: number;
  /** Sentences that say what could not be seen, and why. */
  readonly reasons: readonly string[];
}

/** Who asked the address last. */
export interface LastAsked {
  readonly time: number;
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly user: string;
}

export interface RetireFacts {
  /** The address in its usual notation. */
  readonly address: string;
  readonly verdict: 'safe' | 'not-safe' | 'unknown';
  readonly sentence: string;
  /** Known and expected hosts. */
  readonly hosts: number;
  /** Hosts that depend on the address, by tense. */
  readonly tenses: Readonly<Record<Tense, number>>;
  /** null: nobody asked it, as far as is known. */
  readonly lastAsked: LastAsked | null;
  /** Milliseconds for which nobody may have asked it: a day, or twice the longest lease if that is longer. */
  readonly window: number;
  /** Milliseconds, and the host that has it; null if no host told a lease. */
  readonly longestLease: { readonly time: number; readonly id: string; readonly name: string } | null;
  /** If only time is missing: when it is safe, provided that nobody asks the address meanwhile; otherwise null. */
  readonly safeAt: number | null;
}

/**
 * `GET /api/v1/retire?address=ADDRESS&limit=1000&offset=`: whether the address may be switched off. `limit` and `offset`
 * choose from both lists of hosts. With `format=csv` the answer is CSV, and has all hosts.
 */
export interface RetireAnswer extends RetireFacts {
  /** When the answer was made, by the collector's clock. */
  readonly time: number;
  readonly dependents: { readonly total: number; readonly hosts: readonly Dependent[] };
  readonly unseen: { readonly total: number; readonly hosts: readonly UnseenHost[] };
}

/**
 * `GET /api/v1/nameservers?limit=1000&offset=`: every name server that a host is configured for or asked, most hosts
 * first.
 */
export interface NameserversAnswer {
  readonly total: number;
  readonly nameservers: readonly {
    readonly address: string;
    readonly hosts: number;
    /** Hosts by tense. */
    readonly tenses: Readonly<Record<Tense, number>>;
    /** When a host asked it last; 0 if none did. */
    readonly lastAsked: number;
    /** The name of one of the hosts. */
    readonly example: string;
  }[];
}

/** `GET /api/v1/expected`: the hosts that do not report, at most 10,000, and the names that `PUT` gave. */
export interface ExpectedAnswer {
  readonly total: number;
  readonly missing: readonly {
    readonly id: string;
    readonly name: string;
    readonly standing: Standing;
    /** When it was heard last; 0 if never. */
    readonly seen: number;
  }[];
  readonly given: readonly string[];
}
