/** The facts from which `agent init` makes a configuration. */
export interface HostFacts {
  readonly resolver: ResolverFacts;
  readonly split: SplitFacts;
  /** The options that dhclient.conf supersedes now; `interface` is null for a setting of all interfaces. */
  readonly supersedes: readonly {
    readonly interface: string | null;
    readonly option: string;
    readonly values: readonly string[];
    readonly file: string;
    readonly line: number;
  }[];
  /** The persisted settings in the order of boot. If a path occurs twice, the last value counts. */
  readonly sysctls: readonly {
    /** Below /proc/sys, with slashes. */
    readonly path: string;
    readonly value: string;
    readonly file: string;
    readonly line: number;
  }[];
  /** The live value of net.ipv6.route.max_size; null if it is not visible. */
  readonly ipv6RouteMaxSize: string | null;
}

type Keyword = 'domain' | 'search' | 'nameserver' | 'sortlist' | 'options';

/** The present settings of libc, or of the program that answers in libc's place. */
export interface ResolverFacts {
  /** In their order. `place`: `file:line`, or the program that has the setting. */
  readonly lines: readonly { readonly place: string; readonly keyword: Keyword; readonly values: readonly string[] }[];
  /** Settings that libc does not use, each with its place. */
  readonly unused: readonly { readonly place: string; readonly why: string }[];
  /** Why no setting is taken over, one sentence each. The settings are written as comments in that case. */
  readonly refusals: readonly string[];
}

/** One line, or one clause, of a forwarder's configuration. */
export interface SplitLine {
  /** `file:line`. */
  readonly place: string;
  /** Spelt as in the file. */
  readonly domains: readonly string[];
  readonly servers: readonly string[];
  /** Why the domains cannot be taken over; null if they can. */
  readonly doubt: string | null;
}

/** The domains that the program which answers libc asks at servers of their own. */
export interface SplitFacts {
  readonly lines: readonly SplitLine[];
  /** Why `dns.split` is only a comment; null if it can count at once. */
  readonly inactive: string | null;
  /** One sentence each, about what else was found. */
  readonly notes: readonly string[];
  /** A sentence for the operator about an active `dns.split`; null if there is nothing to say. */
  readonly advice: string | null;
}

export const NO_SPLIT: SplitFacts = { lines: [], inactive: null, notes: [], advice: null };
