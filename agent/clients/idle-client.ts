import type { Finding } from '../hold/resource.ts';

/**
 * The finding about an installed DHCP client that does not run. Its files are kept right, so that they work from its
 * first second. Until then it affects no setting, so a file that cannot be prepared is no failure.
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
