import { converge } from '../../hold/converge.ts';
import type { ProofEvent } from '../../hold/proof/proof.ts';
import type { Outcome } from '../../hold/resource.ts';
import { IN_FORCE, RESTART } from '../../host/paths.ts';
import type { CommonOptions } from '../common-options.ts';
import { openToHold } from '../context/context.ts';
import { EXIT, paint, print, printJson, shown } from '../output/output.ts';
import { tellOutcomes } from '../output/print-outcomes.ts';

/**
 * Milliseconds. Before the network is up, name servers are rarely reachable, so an apply at boot waits only this long.
 */
const AT_BOOT = 1_000;

export interface ApplyOptions extends CommonOptions {
  readonly detailedExitcodes?: boolean;
  /** The network waits for this apply: proving DNS gets a second; measuring and fetching are left to the daemon. */
  readonly boot?: boolean;
}

/** Makes the host match the configuration, reads the values back, and prints the outcomes. Returns the exit status. */
export async function apply(options: ApplyOptions): Promise<number> {
  const context = await openToHold(options);
  const { host, desired, resources, guard, nearness, metadata, hash, keep } = context;
  const proof: ProofEvent[] = [];
  if (guard !== null) {
    guard.onEvent = (event) => proof.push(event);
    if (options.boot) guard.within = AT_BOOT;
  }
  // Loaded only beside a daemon.
  const beside = host.lstat(IN_FORCE) === null ? null : await import('./hand-over.ts');
  let told: number | null = null;
  const settled = (all: readonly Outcome[]) => {
    if (!all.some(({ result }) => result === 'failed')) told = beside?.handOver(host, options, hash) ?? null;
  };
  let outcomes = await converge(host, resources, { guard, settled });
  if (nearness !== null && !options.boot) {
    const { withNearest } = await import('./measure-nearest.ts');
    outcomes = await withNearest(context, options, outcomes);
  }
  if (metadata !== null && !options.boot) {
    const { withMetadata } = await import('./fetch-metadata.ts');
    outcomes = await withMetadata(context, outcomes);
  }
  if (desired.restart === 'whenSafe' || host.lstat(RESTART) !== null) {
    const { withRestarts } = await import('./restart-dhclients.ts');
    outcomes = await withRestarts(context, options, outcomes);
  }
  if (desired.networkdRestart === 'whenSafe' && !options.boot) {
    const { withNetworkdRestart } = await import('./restart-networkd.ts');
    outcomes = await withNetworkdRestart(context, options, outcomes);
  }
  await keep();
  const changed = outcomes.some((outcome) => outcome.result === 'changed' || outcome.changed);
  const failed = outcomes.some(({ result }) => result === 'failed');
  if (options.json) printJson({ changed, failed, outcomes, ...(guard === null ? {} : { proof }) });
  else {
    tellOutcomes(outcomes, options.quiet ?? false, 'as wanted');
    // Each outcome already shows its refusal.
    if (!options.quiet) for (const { kind, body } of proof) if (kind !== 'refused') print(shown(body));
    if (!options.quiet && told !== null) print(`Told the daemon (process ${told}) to take this configuration.`);
    if (!options.quiet && beside !== null && told === null) {
      const { notInForce } = await import('../context/on-disk.ts');
      const stale = notInForce(host, options, hash);
      if (stale !== null) print(`${paint('yellow', stale)} Until then it puts back what this apply changed.`);
    }
    if (!options.quiet && changed && desired.restart === 'never') {
      const { announceRestarts } = await import('./restart-dhclients.ts');
      for (const line of await announceRestarts(context, [])) print(shown(line));
    }
  }
  return (options.detailedExitcodes && changed ? EXIT.changed : EXIT.ok) + (failed ? EXIT.failed : EXIT.ok);
}
