/** The apply of a daemon's start, or of its new configuration. */
import { converge, type Guard, inspectAll } from '../../hold/converge.ts';
import type { Outcome, Resource } from '../../hold/resource.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { ApplySetup } from '../daemon-setup.ts';

/** The most failures that the start's event names. Each failure also gets its own event at its next try. */
const NAMED = 5;

/**
 * Returns the result as one line. Does not wait for another apply: the keeper heals the drift as soon as that apply
 * ends. `settled` gets the outcomes.
 */
export async function applyOnce(
  host: Host,
  resources: readonly Resource[],
  guard: Guard | null,
  settled: (outcomes: readonly Outcome[]) => Promise<void> = async () => {},
): Promise<string> {
  let outcomes: Outcome[];
  try {
    outcomes = await converge(host, resources, { patience: 0, guard });
    await settled(outcomes);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return 'another apply is at work, and what differs after it is put right then';
    return errorMessage(error);
  }
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
  const failed = outcomes.filter(({ result }) => result === 'failed');
  const which = failed.slice(0, NAMED).map(({ key, reason }) => `${key}: ${reason}`);
  const more = failed.length > NAMED ? ['…'] : [];
  const what = failed.length === 0 ? '' : ` (${[...which, ...more].join('; ')})`;
  return `${count('ok')} as wanted, ${count('changed')} changed, ${failed.length} failed${what}`;
}

/** The same for all of a configuration, whose changes are tried if it says so. */
export function applySetup({ host, resources, guard, trial = null }: ApplySetup): Promise<string> {
  return applyOnce(host, resources, trial ?? guard, async (outcomes) => trial?.settled(outcomes));
}

/** The same for a daemon that heals nothing: it makes only what observes, such as the tables of the ledger. */
export async function observeOnce(host: Host, resources: readonly Resource[]): Promise<string> {
  const observing = resources.filter(({ observes }) => observes === true);
  if ((await inspectAll(observing)).length === 0) return 'observes only';
  return `observes only (${observing.map(({ name }) => name).join(', ')}: ${await applyOnce(host, observing, null)})`;
}
