/** The part of `apply` and `status` for routes that take values from the cloud's metadata (agent/metadata). */
import { converge, together } from '../../hold/converge.ts';
import type { Outcome } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { MetadataView } from '../../metadata/metadata.ts';
import type { Context } from '../context/context.ts';
import { ageText, paint, print, shown } from '../output/output.ts';

/** Milliseconds that an apply waits for all requests to the provider together. A real service takes about 10 ms. */
const PATIENCE = 5_000;

/**
 * Fetches the values that are not fresh, and holds them. Call it after the known values are held, so that they do not
 * wait for the provider. Returns all outcomes, including the given ones.
 */
export async function withMetadata(
  { host, resources, changing, metadata }: Context,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  if (metadata === null || !resources.some(({ name }) => name === 'routes') || !metadata.due()) return outcomes;
  let later = outcomes;
  let why: string | null = null;
  try {
    const changes = metadata.note(await metadata.fetch(AbortSignal.timeout(PATIENCE)));
    if (changes.length > 0) later = together(outcomes, await converge(host, resources, { guard: changing }));
  } catch (error) {
    why = `the fetched values cannot be saved, so they are not used: ${errorMessage(error)}`;
  }
  return [...later, ...metadata.views().flatMap((view) => outcomeOf(view, why))];
}

/** Prints the known values and their age. */
export function tellMetadata(views: readonly MetadataView[]): void {
  print('');
  for (const { key, values, age, old, source, problem } of views) {
    const known =
      values === null || age === null
        ? paint('yellow', 'not known yet')
        : `${values.join(', ') || 'none'}; ${paint(old ? 'yellow' : 'reset', `${source}, ${ageText(age)} ago`)}`;
    print(`${paint('bold', key)}: ${known}`);
    if (problem !== null) print(`  ${paint('yellow', shown(problem))}`);
  }
}

/** Outcomes of values that could not be fetched. A known value shows in the outcomes of its routes. */
function outcomeOf({ key, values, age, problem }: MetadataView, why: string | null): Outcome[] {
  if (why !== null) return [{ ...placeOf(key), result: 'failed', actual: null, reason: why }];
  if (problem === null) return [];
  const stays =
    values === null || age === null
      ? 'no value is known yet, so its routes stay as they are'
      : `the values fetched ${ageText(age)} ago stay in force`;
  return [{ ...placeOf(key), result: 'skipped', actual: null, reason: `${problem}; ${stays}` }];
}

function placeOf(key: string) {
  return { resource: 'metadata', key, moment: 'now' } as const;
}
