import type { TrialVerdict } from '../../confirm/trial/trial-guard.ts';
import { converge } from '../../hold/converge.ts';
import type { ProofEvent } from '../../hold/proof/proof.ts';
import type { Outcome } from '../../hold/resource.ts';
import { IN_FORCE, RESTART } from '../../host/paths.ts';
import type { CommonOptions } from '../common-options.ts';
import { openToHold } from '../context/context.ts';
import { EXIT, paint, print, printError, printJson, shown } from '../output/output.ts';
import { tellOutcomes } from '../output/print-outcomes.ts';

/**
 * Milliseconds. Before the network is up, name servers are rarely reachable, so an apply at boot waits only this long.
 */
const AT_BOOT = 1_000;

export interface ApplyOptions extends CommonOptions {
  readonly detailedExitcodes?: boolean;
  /** The network waits for this apply: proving DNS gets a second; measuring and fetching are left to the daemon. */
  readonly boot?: boolean;
  /** Tries the change, or does not; undefined: as the configuration says. */
  readonly confirm?: boolean;
}

/** Makes the host match the configuration, reads the values back, and prints the outcomes. Returns the exit status. */
export async function apply(options: ApplyOptions): Promise<number> {
  const context = await openToHold(options, {
    trial: options.confirm === undefined ? 'configured' : options.confirm ? 'always' : 'never',
    ...(options.boot ? { boot: true } : {}),
  });
  const { host, desired, resources, guard, trial, changing, putBack, nearness, metadata, hash, keep } = context;
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
  if ((await trial?.begun()) != null) {
    const { withDecision } = await import('./decide-trial.ts');
    ({ outcomes, verdict } = await withDecision(context, options, outcomes));
  }
  const isUndone = verdict?.kind === 'put-back';
  if (isUndone) told = null;
  if (isUndone) {
    // A client is not restarted for settings that are gone.
  } else if (desired.restart === 'whenSafe' || host.lstat(RESTART) !== null) {
    const { withRestarts } = await import('./restart-dhclients.ts');
    outcomes = await withRestarts(context, options, outcomes);
  }
  if (desired.networkdRestart === 'whenSafe' && !options.boot && !isUndone) {
    const { withNetworkdRestart } = await import('./restart-networkd.ts');
    outcomes = await withNetworkdRestart(context, options, outcomes);
  }
  await keep();
  const changed = outcomes.some((outcome) => outcome.result === 'changed' || outcome.changed);
  const failed = putBack !== null || outcomes.some(({ result }) => result === 'failed');
  if (options.json) {
    printJson({
      ...{ changed, failed, outcomes, ...(guard === null ? {} : { proof }) },
      ...(verdict === null ? {} : { trial: verdict }),
      ...(putBack === null ? {} : { putBack }),
    });
  } else {
    tellOutcomes(outcomes, options.quiet ?? false, 'as wanted');
    if (verdict !== null && (isUndone || !options.quiet)) (isUndone ? printError : print)(shown(capital(verdict.body)));
    if (putBack !== null) printError((await import('../trial-words.ts')).heldMeanwhile(putBack));
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

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
