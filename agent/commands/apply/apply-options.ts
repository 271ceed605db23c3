import type { CommonOptions } from '../common-options.ts';

export interface ApplyOptions extends CommonOptions {
  readonly detailedExitcodes?: boolean;
  /** The network waits for this apply: proving DNS gets a second; measuring and fetching are left to the daemon. */
  readonly boot?: boolean;
  /** Tries the change, or does not; undefined: as the configuration says. */
  readonly confirm?: boolean;
}
