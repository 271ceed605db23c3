import { recordLooks } from '../../host/recorded-looks.ts';
import type { ApplyOptions } from './apply-options.ts';
import { isKept, knownApply } from './known-apply.ts';
import { tellApplied } from './tell-applied.ts';

/**
 * Makes the host match the configuration, reads the values back, and prints the outcomes. Returns the exit status. The
 * code that compares and changes is loaded only if the host shows anything else than to the last apply, which found all
 * right.
 */
export async function apply(options: ApplyOptions): Promise<number> {
  const known = await knownApply(options);
  if (known !== null) return tellApplied({ ...known, verdict: null, putBack: null, waits: null }, options);
  if (isKept(options)) recordLooks();
  const { putRight } = await import('./put-right.ts');
  return putRight(options);
}
