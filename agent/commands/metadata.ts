/** What `apply` and `status` have to do with what the routes leave to the cloud (agent/metadata). */
import { errorMessage } from '../host/errors.ts';
import type { MetadataView } from '../metadata/metadata.ts';
import { converge, together } from '../resources/converge.ts';
import type { Outcome } from '../resources/resource.ts';
import type { Context } from './context.ts';
import { ageText, paint, print, shown } from './output.ts';

/** Milliseconds that an apply waits for the provider at most, all requests together: a real service takes some ten. */
const PATIENCE = 5_000;

/**
 * Fetches where nothing young is known, and holds what came of it. To be called after what was known is held: nobody waits for
 * the provider with that. Gives all outcomes, these among them.
 */
export async function withMetadata(
  { host, resources, guard, metadata }: Context,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  if (metadata === null || !resources.some(({ name }) => name === 'routes') || !metadata.due()) return outcomes;
  let later = outcomes;
  let why: string | null = null;
  try {
    const changes = metadata.note(await metadata.fetch(AbortSignal.timeout(PATIENCE)));
    if (changes.length > 0) later = together(outcomes, await converge(host, resources, { guard }));
  } catch (error) {
    why = `what was fetched cannot be kept, and is not used: ${errorMessage(error)}`;
  }
  return [...later, ...metadata.views().flatMap((view) => outcomeOf(view, why))];
}

/** What is known, and since when. */
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

/** Of what could not be fetched; what is known is the outcome of the routes. */
function outcomeOf({ key, values, age, problem }: MetadataView, why: string | null): Outcome[] {
  if (why !== null) return [{ ...placeOf(key), result: 'failed', actual: null, reason: why }];
  if (problem === null) return [];
  const stays =
    values === null || age === null
      ? 'it is not known yet, and its routes are left as they are'
      : `what was fetched ${ageText(age)} ago stays`;
  return [{ ...placeOf(key), result: 'skipped', actual: null, reason: `${problem}; ${stays}` }];
}

function placeOf(key: string) {
  return { resource: 'metadata', key, moment: 'now' } as const;
}
