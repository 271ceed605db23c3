/** The contract of a check: what it is given, and what it tells. */

import type { ConfiguredState } from '../config/desired.ts';
import type { ExpectedGroup } from '../config/desired-daemon.ts';
import type { Host } from '../host/host.ts';
import type { Code, Severity } from './codes.ts';

export interface Surroundings {
  readonly host: Host;
  /** null: there is no valid configuration, so everything that Holdfast could hold is of interest. */
  readonly desired: ConfiguredState | null;
  /** Multicast groups that are expected. */
  readonly groups: readonly ExpectedGroup[];
  /** Files with a token or a private key, as they are configured. */
  readonly secrets: readonly string[];
  /** Of the programs in WATCHED_DAEMONS, those that run, with one process id each. Empty where the host is not live. */
  readonly daemons: ReadonlyMap<string, number>;
}

/** One thing that was seen; `severity` where it differs from the code's own. */
export interface Seen {
  readonly code: Code;
  /** A sentence without its full stop, `file:line` first where there is one. May hold a hostile file's text: see `visible`. */
  readonly seen: string;
  readonly severity?: Severity;
}

/** Looks only. May throw HostError: what it has told before that counts. */
export type Check = (around: Surroundings) => Iterable<Seen>;

/** Whether `dns` is, or might be, configured. */
export function caresForDns({ desired }: Surroundings): boolean {
  return desired === null || desired.dns !== null;
}
