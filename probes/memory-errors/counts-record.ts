import { Differences } from '../route-agreement/differences.ts';

/**
 * The counts since the process started. They outlive the probes, which a new configuration makes anew. A counter that
 * began at 0 again with the same start time would mean that errors were taken back.
 */
export class MemoryErrorRecord {
  /** Counts by cause and source. */
  readonly totals = new Map<string, number>();
  /** Records of the kernel's log that were overwritten before they were read. */
  lost = 0;
  readonly routeFailures: RouteFailureRecord = { totals: new Map(), lost: 0 };
  /** Losses of each netlink socket at the last look, by inode; null before the first look. */
  drops: ReadonlyMap<string, number> | null = null;
  /** A difference between a routing daemon and the kernel does not begin anew with a new configuration. */
  readonly routeDifferences = new Differences();
}

/** Routes that the kernel refused, of all processes. */
export interface RouteFailureRecord {
  /** Counts by command, kind and error, joined as in route-refusals.ts. */
  readonly totals: Map<string, number>;
  /** Trace records that were overwritten before they were read. */
  lost: number;
}
