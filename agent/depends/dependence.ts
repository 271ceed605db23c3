/** The contract of the places where this host may depend on an address: as a name server, a gateway, a time server. */
import type { IpAddress } from '../address/accepted.ts';

/**
 * When the dependence takes effect. `now`: a configuration in force names the address. `asked`: a program really sent
 * something to it. `lease`, `boot`: the next event of a DHCP client, or the next start of a program or of the machine,
 * brings it back. `holder`: a running program may have kept a list that was read earlier.
 */
export type Tense = 'now' | 'asked' | 'lease' | 'boot' | 'holder';

/** In the order in which an operator reads them: the most certain first. */
export const TENSES: readonly Tense[] = ['now', 'asked', 'lease', 'boot', 'holder'];

/** One way in which this host depends on an address. All texts may quote files of other programs. */
export interface Dependence {
  /** An IPv4 address that is mapped into IPv6 is its IPv4 address. */
  readonly address: IpAddress;
  readonly tense: Tense;
  /** The name of the source: `resolv.conf`. */
  readonly source: string;
  /** The program, unit or container, in the operator's words: `nginx.service (nginx[812])`. */
  readonly who: string;
  /** `/etc/nginx/nginx.conf:12`, a route, a socket. */
  readonly where: string;
  /** A sentence that says why this is a dependence. */
  readonly reason: string;
  /** A sentence or command that ends it. */
  readonly cure: string;
}

/** A place that could not be looked at. This never means that nothing is there. */
export interface Unseen {
  readonly tense: Tense;
  /** The name of the source. */
  readonly source: string;
  /** A sentence that says what could not be seen, and why. */
  readonly reason: string;
}

export interface DependsAnswer {
  readonly found: readonly Dependence[];
  readonly unseen: readonly Unseen[];
}

/** One kind of place to look at. */
export interface DependsSource {
  readonly name: string;
  readonly tense: Tense;
  /**
   * Looks and changes nothing. null: every address that anything on this host depends
   * on as a name server. A place that cannot be read goes into `unseen`. `signal` ends the look: it then throws.
   */
  look(addresses: ReadonlySet<IpAddress> | null, signal: AbortSignal): Promise<DependsAnswer>;
}

/**
 * What a host tells the collector about its dependences: the body of the event `holdfast.dependences`, as JSON of at
 * most 32 KiB. It has every name server, in the tenses `now`, `lease`, `boot` and `holder`.
 */
export interface ToldDependences extends DependsAnswer {
  /** Seconds: the longest lease that a DHCP client of this host holds, as far as is known; null if none is known. */
  readonly longestLease: number | null;
  /** The number of dependences and unseen places that were left out. An answer that was cut is never "nothing". */
  readonly cut: number;
}
