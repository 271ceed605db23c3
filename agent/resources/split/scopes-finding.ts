/** The finding about the running systemd-resolved, for both ways in which its files split names. */
import { type ResolvedScope, resolvedScopes } from '../../clients/resolved-scopes.ts';
import type { DesiredSplit } from '../../config/desired.ts';
import type { Finding } from '../../hold/resource.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { forwarderFinding } from './split-view.ts';

/**
 * Whether the running systemd-resolved splits as wanted. `problemOf` says why it does not, with the cure. `refusal`: why it
 * cannot.
 */
export function scopesFinding(
  host: Host,
  split: readonly DesiredSplit[],
  refusal: string | undefined,
  problemOf: (scopes: readonly ResolvedScope[]) => string | null,
): Finding {
  const finding = forwarderFinding.bind(null, split, 'systemd-resolved');
  if (refusal !== undefined) return finding('skipped', { reason: refusal, shown: 'drifted' });
  if (!host.live) return finding('skipped', { reason: notOfTheseFiles('systemd-resolved') });
  const scopes = resolvedScopes(host);
  if (scopes === null)
    return finding('unknown', { reason: 'systemd-resolved does not run yet, or does not tell what it asks' });
  const reason = problemOf(scopes);
  return reason === null ? finding('ok') : finding('skipped', { reason, shown: 'drifted' });
}
