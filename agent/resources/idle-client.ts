import type { Finding } from './resource.ts';

/**
 * The finding about a DHCP client that is installed and does not run. Its files are kept right, so that they hold from its first
 * second; it decides no setting until then, and what cannot be prepared is no failure of this host.
 */
export function ofIdleClient(finding: Finding, program: string): Finding {
  const { refusal, ...rest } = finding;
  const settings = async () => [];
  if (refusal === undefined && rest.state !== 'unknown') return { ...rest, settings };
  return {
    ...rest,
    state: 'skipped',
    reason: `${program} does not run; at its start: ${refusal ?? rest.reason}`,
    settings,
  };
}
