/**
 * The common part of the resources that keep a hook. sh checks the hook first, and scripts that began with the old hook
 * end before DNS is written.
 */
import { applyFile } from '../hold/files/apply-file.ts';
import type { Finding, Outcome, SettingState } from '../hold/resource.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { composedValues } from '../resolver/composed-values.ts';

/**
 * The same as applyFile. Throws HostError EHOOK if sh does not understand the hook; the old hook is whole in that case.
 * `scripts`: the scripts that source the hook, or are the hook.
 */
export async function applyHook(
  host: Host,
  finding: Finding,
  scripts: readonly string[],
  options: { readonly path?: string; readonly mode?: number } = {},
): Promise<Outcome> {
  if (finding.wanted !== null) {
    const checked = host.run('sh', ['-n'], { input: finding.wanted });
    if (checked.status !== 0) {
      const why = checked.error ?? checked.stderr.trim();
      throw new HostError('EHOOK', `sh -n refuses the new ${finding.key}: ${why}`);
    }
  }
  return afterHookRuns(host, await applyFile(host, finding, options), scripts);
}

/** The outcome of a changed or removed hook, after every script that began with the old hook has ended. */
export async function afterHookRuns(host: Host, outcome: Outcome, scripts: readonly string[]): Promise<Outcome> {
  if (outcome.result !== 'changed') return outcome;
  // Loaded here, because an apply that changes nothing does not need it.
  const { hookRunsEnded } = await import('./hook-runs.ts');
  const { problem } = await hookRunsEnded(host, scripts);
  if (problem === null) return outcome;
  return { ...outcome, reason: outcome.reason === undefined ? problem : `${outcome.reason}; ${problem}` };
}

/**
 * The states with the values of the hook in place, where that hook is not as wanted: an older hook goes on holding. A value
 * that is the wanted one is no drift, but nobody knows what else the hook does. `hook`: its text; null if there is none.
 */
export function withOlderHook(states: readonly SettingState[], hook: string | null): SettingState[] {
  const values = composedValues(hook ?? '');
  return states.map((state) => {
    const older = values.get(state.setting);
    if (state.moment !== 'lease' || state.state !== 'drifted' || older === undefined) return state;
    const actual = older.join(' ');
    const reason = `is ${actual} by ${OLDER}`;
    return { ...state, state: actual === state.wanted ? 'unknown' : 'drifted', actual, older, reason };
  });
}

const OLDER = 'the hook in place, which is of another configuration, or was changed';

/** Why a hook does not hold its settings. `there`: whether there is a hook of Holdfast. */
export function whyUnheld(there: boolean): string {
  return there ? 'the hook in place is of another configuration, or was changed' : 'no hook of Holdfast holds it yet';
}
