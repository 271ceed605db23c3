import { converge } from '../resources/converge.ts';
import { openContext } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT, printJson } from './output.ts';
import { tellOutcomes } from './tell.ts';

export interface ApplyOptions extends CommonOptions {
  readonly detailedExitcodes?: boolean;
}

/** Makes the host what the configuration says, reads it back, and tells. Gives the exit status. */
export async function apply(options: ApplyOptions): Promise<number> {
  const context = await openContext(options);
  let outcomes = await converge(context.host, context.resources);
  if (context.nearness !== null) {
    const { withNearest } = await import('./nearest.ts');
    outcomes = await withNearest(context, options, outcomes);
  }
  context.keep();
  const changed = outcomes.some((outcome) => outcome.result === 'changed' || outcome.changed);
  const failed = outcomes.some(({ result }) => result === 'failed');
  if (options.json) printJson({ changed, failed, outcomes });
  else tellOutcomes(outcomes, options.quiet ?? false, 'as wanted');
  return (options.detailedExitcodes && changed ? EXIT.changed : EXIT.ok) + (failed ? EXIT.failed : EXIT.ok);
}
