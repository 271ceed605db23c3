import { converge } from '../resources/converge.ts';
import type { Outcome } from '../resources/resource.ts';
import { openContext } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT, printJson } from './output.ts';
import { tellOutcomes } from './tell.ts';

export interface ApplyOptions extends CommonOptions {
  readonly detailedExitcodes?: boolean;
}

/** Makes the host what the configuration says, reads it back, and tells. Gives the exit status. */
export async function apply(options: ApplyOptions): Promise<number> {
  const { host, resources, keep } = await openContext(options);
  const outcomes = await converge(host, resources);
  keep();
  if (options.json) printJson({ changed: some(outcomes, 'changed'), failed: some(outcomes, 'failed'), outcomes });
  else tellOutcomes(outcomes, options.quiet ?? false, 'as wanted');
  const changed = options.detailedExitcodes && some(outcomes, 'changed') ? EXIT.changed : EXIT.ok;
  return changed + (some(outcomes, 'failed') ? EXIT.failed : EXIT.ok);
}

function some(outcomes: readonly Outcome[], result: Outcome['result']): boolean {
  return outcomes.some((outcome) => outcome.result === result);
}
