/** The contract of a check: its input and its findings. */
import type { ConfiguredState } from '../config/desired.ts';
import type { ExpectedGroup } from '../config/desired-daemon.ts';
import type { Host } from '../host/host.ts';
import type { DoctorCode, DoctorSeverity } from './codes.ts';

export interface DoctorSurroundings {
  readonly host: Host;
  /** null if there is no valid configuration. In that case every setting that Holdfast could hold is of interest. */
  readonly desired: ConfiguredState | null;
  /** The expected multicast groups. */
  readonly groups: readonly ExpectedGroup[];
  /** The configured files with a token or a private key. */
  readonly secrets: readonly string[];
  /** Why a table of `routes` is of no use: no rule of the kernel or the configuration leads to it. */
  readonly unled: readonly string[];
  /** The running programs of WATCHED_DAEMONS, with one process id each. Empty if the host is not live. */
  readonly daemons: ReadonlyMap<string, number>;
}

/** One observation; `severity` is set if it differs from the code's own. */
export interface DoctorObservation {
  readonly code: DoctorCode;
  /**
   * A sentence without its full stop, with `file:line` first if known. May hold a hostile file's text: see `visible`.
   */
  readonly seen: string;
  readonly severity?: DoctorSeverity;
}

/** Only reads. May throw HostError: the findings before the throw count. */
export type DoctorCheck = (around: DoctorSurroundings) => Iterable<DoctorObservation>;

/** Whether `dns` is, or might be, configured. */
export function caresForDns({ desired }: DoctorSurroundings): boolean {
  return desired === null || desired.dns !== null;
}
