/** What the resources that keep a hook share: sh reads it first, and the scripts that began with the old one end before DNS is written. */
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { applyFile } from './apply-file.ts';
import type { Finding, Outcome } from './resource.ts';

/** As applyFile. Throws HostError EHOOK if sh does not understand the hook; then the old hook is whole. */
export async function applyHook(
  host: Host,
  finding: Finding,
  options: { readonly path?: string; readonly mode?: number } = {},
): Promise<Outcome> {
  if (finding.wanted !== null) {
    const checked = host.run('sh', ['-n'], { input: finding.wanted });
    if (checked.status !== 0) {
      const why = checked.error ?? checked.stderr.trim();
      throw new HostError('EHOOK', `sh -n refuses the new ${finding.key}: ${why}`);
    }
  }
  return afterHookRuns(host, await applyFile(host, finding, options));
}

/** The outcome of a hook that was changed or removed, once no script is under way that began with the old one. */
export async function afterHookRuns(host: Host, outcome: Outcome): Promise<Outcome> {
  if (outcome.result !== 'changed') return outcome;
  // Loaded here: an apply that changes nothing has no use for it.
  const { hookRunsEnded } = await import('../clients/hook-runs.ts');
  const { problem } = await hookRunsEnded(host);
  if (problem === null) return outcome;
  return { ...outcome, reason: outcome.reason === undefined ? problem : `${outcome.reason}; ${problem}` };
}
