/** The part of `apply` for a systemd-networkd that must be started again (agent/restart/networkd-restart.ts). */
import { isWhole } from '../../config/desired.ts';
import type { Outcome } from '../../hold/resource.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { CommonOptions } from '../common-options.ts';
import type { Context } from '../context/context.ts';
import { restartOutcome } from './restart-dhclients.ts';

/** Returns all outcomes, including those of the restart. Nothing is restarted if a file for it could not be kept. */
export async function withNetworkdRestart(
  { host, desired, nearness }: Context,
  { only }: CommonOptions,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  const whole = isWhole(desired) ? desired : (nearness?.desired() ?? null);
  if (!host.live || whole === null || only?.includes('networkd') === false) return outcomes;
  const isBroken = outcomes.some(({ resource, result }) => {
    return result === 'failed' && (resource === 'networkd' || resource === 'resolved');
  });
  if (isBroken) return outcomes;
  const { restartNetworkd } = await import('../../restart/networkd-restart.ts');
  const results = await host.exclusively(RUN_FOLDER, () => restartNetworkd(host, whole));
  return [...outcomes, ...results.map(restartOutcome)];
}
