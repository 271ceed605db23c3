/** The part of `apply` and `status` for the measured sortlist (agent/nearest). */
import { MAX_SORTLIST } from '../../config/notation/limits.ts';
import { converge, together } from '../../hold/converge.ts';
import type { Outcome } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Attempt, NearestView } from '../../nearest/nearness.ts';
import { OF_DNS } from '../../resources/resource-names.ts';
import type { CommonOptions } from '../common-options.ts';
import type { Context } from '../context/context.ts';
import { ageText, paint, print } from '../output/output.ts';

/**
 * Measures if there is no fresh measurement, and holds the result. Call it after the other settings are held, so that
 * the configured name servers look up the name. Returns all outcomes, including the given ones.
 */
export async function withNearest(
  { host, resources, changing, nearness }: Context,
  { only }: CommonOptions,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  // dhclient.conf has no keyword for a sortlist.
  const wanted = only?.some((name) => OF_DNS.includes(name) && name !== 'dhclient') ?? true;
  const due = wanted ? (nearness?.due() ?? []) : [];
  if (nearness === null || due.length === 0) return outcomes;
  const attempts = await nearness.attempt(due);
  const views = new Map(nearness.views().map((view) => [view.target, view]));
  const unmeasured = attempts.flatMap((attempt) => failureOf(attempt, views.get(attempt.target)));
  try {
    if (!nearness.note(attempts)) return [...outcomes, ...unmeasured];
  } catch (error) {
    const reason = `the measurement cannot be saved, so it is not used: ${errorMessage(error)}`;
    return [...outcomes, ...unmeasured, outcomeOf(attempts.map(({ target }) => target).join(', '), 'failed', reason)];
  }
  return [...together(outcomes, await converge(host, resources, { guard: changing })), ...unmeasured];
}

/** Prints the last measurement and its age. */
export function tellNearest(views: readonly NearestView[]): void {
  print('');
  for (const { target, last, age, old, written } of views) {
    if (last === null || age === null) {
      print(`${paint('bold', target)}: ${paint('yellow', 'never measured')}; its addresses are not in the sortlist`);
      continue;
    }
    const order = last.order.map(({ address, time }) => `${address} (${time === null ? 'no answer' : `${time} ms`})`);
    const measured = `measured ${ageText(age)} ago`;
    print(`${paint('bold', target)}: ${order.join(', ')}; ${old ? paint('yellow', measured) : measured}`);
    if (written.length < last.order.length) {
      print(`  the farthest ${last.order.length - written.length} are not written (libc reads ${MAX_SORTLIST} pairs)`);
    }
    if (last.found > last.order.length) print(`  the name has ${last.found} addresses; the others are not measured`);
  }
}

function failureOf({ target, problem }: Attempt, view: NearestView | undefined): Outcome[] {
  if (problem === null) return [];
  const age = view?.age ?? null;
  const stays =
    age === null
      ? 'it was never measured, so its addresses are not in the sortlist'
      : `the measurement of ${ageText(age)} ago stays in force`;
  return [outcomeOf(target, 'skipped', `it cannot be measured: ${problem}; ${stays}`)];
}

function outcomeOf(key: string, result: 'skipped' | 'failed', reason: string): Outcome {
  return { resource: 'nearest', key, moment: 'now', result, actual: null, reason };
}
