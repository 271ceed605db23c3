import { revert as revertHost } from '../resources/revert.ts';
import { openHost } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT, print, printJson } from './output.ts';
import { tellOutcomes } from './tell.ts';

/** Puts files and values back as they were before the first apply, and removes the hooks. Gives the exit status. */
export async function revert(options: CommonOptions): Promise<number> {
  const outcomes = await revertHost(openHost(options));
  const failed = outcomes.some(({ result }) => result === 'failed');
  if (options.json) printJson({ changed: outcomes.some(({ result }) => result === 'changed'), failed, outcomes });
  else if (outcomes.length === 0 && !options.quiet) print('Nothing to put back: nothing of `agent apply` is left.');
  else tellOutcomes(outcomes, options.quiet ?? false, 'as before');
  return failed ? EXIT.failed : EXIT.ok;
}
