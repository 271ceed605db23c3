/**
 * What was counted since the process started. It outlives the probes, which a new configuration makes anew: a counter that
 * began at 0 again under the same start time would say that errors were taken back.
 */
export class MemoryErrorRecord {
  /** By cause and source. */
  readonly totals = new Map<string, number>();
  /** Records of the kernel's log that were overwritten unread. */
  lost = 0;
  readonly routeFailures: RouteFailureRecord = { totals: new Map(), lost: 0 };
  /** What each netlink socket had lost at the last look, by inode; null: there was none. */
  drops: ReadonlyMap<string, number> | null = null;
}

/** Routes of any process that the kernel refused. */
export interface RouteFailureRecord {
  /** By command, kind and error, as route-refusals.ts joins them. */
  readonly totals: Map<string, number>;
  /** Records of the kernel that were overwritten unread. */
  lost: number;
}
