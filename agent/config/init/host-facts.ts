/** What `agent init` makes a configuration of. */
export interface HostFacts {
  readonly resolver: ResolverFacts;
  /** What dhclient.conf supersedes now; `interface` is null for what holds in general. */
  readonly supersedes: readonly {
    readonly interface: string | null;
    readonly option: string;
    readonly values: readonly string[];
    readonly file: string;
    readonly line: number;
  }[];
  /** What is persisted, in the order of boot: of those with the same path the last one counts. */
  readonly sysctls: readonly {
    /** Below /proc/sys, with slashes. */
    readonly path: string;
    readonly value: string;
    readonly file: string;
    readonly line: number;
  }[];
  /** The live value of net.ipv6.route.max_size; null where there is none to be seen. */
  readonly ipv6RouteMaxSize: string | null;
}

type Keyword = 'domain' | 'search' | 'nameserver' | 'sortlist' | 'options';

/** What libc, or the program that answers in its place, has now. */
export interface ResolverFacts {
  /** In their order. `place`: `file:line`, or who has it. */
  readonly lines: readonly { readonly place: string; readonly keyword: Keyword; readonly values: readonly string[] }[];
  /** What libc does not use, each with its place. */
  readonly unused: readonly { readonly place: string; readonly why: string }[];
  /** Why nothing is taken over, a sentence each: the settings then stand in comments. */
  readonly refusals: readonly string[];
}
