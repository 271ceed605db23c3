import type { TrialVerdict } from '../../confirm/trial/trial-verdict.ts';
import { converge } from '../../hold/converge.ts';
import type { ProofEvent } from '../../hold/proof/proof.ts';
import type { Outcome } from '../../hold/resource.ts';
import { IN_FORCE, RESTART } from '../../host/paths.ts';
import { notByLooks } from '../../host/recorded-looks.ts';
import { openToHold } from '../context/context.ts';
import { paint, print, shown } from '../output/output.ts';
import type { ApplyOptions } from './apply-options.ts';
import { keepApply } from './known-apply.ts';
import { isChanged, tellApplied } from './tell-applied.ts';

/**
 * Milliseconds. Before the network is up, name servers are rarely reachable, so an apply at boot waits only this long.
 */
const AT_BOOT = 1_000;

/** Compares the host with the configuration and changes what differs. Prints the outcomes, returns the exit status. */
export async function putRight(options: ApplyOptions): Promise<number> {
  const context = await openToHold(options, {
    trial: options.confirm === undefined ? 'configured' : options.confirm ? 'always' : 'never',
    ...(options.boot ? { boot: true } : { ownNames: true }),
  });
  const { host, desired, resources, guard, trial, changing, putBack, nearness, metadata, hash, keep } = context;
  // Trials, measured values, the metadata and the moment of a restart are not only a matter of what the host shows.
  const later = [desired.restart, desired.networkdRestart].includes('whenSafe') || host.lstat(RESTART) !== null;
  if (trial !== null || putBack !== null || context.waits !== null || nearness !== null || metadata !== null || later)
    notByLooks();
  const proof: ProofEvent[] = [];
  if (guard !== null) {
    guard.onEvent = (event) => proof.push(event);
    if (options.boot) guard.within = AT_BOOT;
  }
  // Loaded only beside a daemon.
  const beside = host.lstat(IN_FORCE) === null ? null : await import('./hand-over.ts');
  let told: number | null = null;
  const settled = (all: readonly Outcome[]) => {
    // A change that waits for its wave is the daemon's from now on.
    if (trial?.waiting != null || !all.some(({ result }) => result === 'failed'))
      told = beside?.handOver(host, options, hash) ?? null;
  };
  let outcomes = await converge(host, resources, { guard: changing, settled });
  if (nearness !== null && !options.boot) {
    const { withNearest } = await import('./measure-nearest.ts');
    outcomes = await withNearest(context, options, outcomes);
  }
  if (metadata !== null && !options.boot) {
    const { withMetadata } = await import('./fetch-metadata.ts');
    outcomes = await withMetadata(context, outcomes);
  }
  await trial?.settled(outcomes);
  let verdict: TrialVerdict | null = null;
  const begun = (await trial?.begun()) ?? null;
  if (begun !== null) {
    const { withDecision } = await import('./decide-trial.ts');
    ({ outcomes, verdict } = await withDecision(host, begun, options, outcomes));
  }
  // No client is restarted for settings that are gone.
  const isUndone = verdict?.kind === 'put-back';
  if (isUndone) told = null;
  if (!isUndone && (desired.restart === 'whenSafe' || host.lstat(RESTART) !== null)) {
    const { withRestarts } = await import('./restart-dhclients.ts');
    outcomes = await withRestarts(context, options, outcomes);
  }
  if (!isUndone && desired.networkdRestart === 'whenSafe' && !options.boot) {
    const { withNetworkdRestart } = await import('./restart-networkd.ts');
    outcomes = await withNetworkdRestart(context, options, outcomes);
  }
  await keep();
  const applied = { outcomes, proof: guard === null ? null : proof };
  keepApply(options, applied);
  const waits = trial?.waiting ?? null;
  const status = await tellApplied({ ...applied, verdict, putBack, waits }, options);
  if (options.json || options.quiet) return status;
  if (context.waits !== null) print((await import('../trial-words.ts')).waitsForWave(context.waits));
  if (told !== null) print(`Told the daemon (process ${told}) to take this configuration.`);
  if (waits !== null && beside === null) print((await import('../trial-words.ts')).nobodyAsksAgain());
  if (beside !== null && told === null) {
    const { notInForce } = await import('../context/on-disk.ts');
    const stale = notInForce(host, options, hash);
    if (stale !== null) print(`${paint('yellow', stale)} Until then it puts back what this apply changed.`);
  }
  if (isChanged(outcomes) && desired.restart === 'never') {
    const { announceRestarts } = await import('./restart-dhclients.ts');
    for (const line of await announceRestarts(context, [])) print(shown(line));
  }
  return status;
}
