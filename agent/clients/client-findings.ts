/** What a DHCP client's presence means for the findings about its files. */
import type { Finding } from '../hold/resource.ts';
import type { Host } from '../host/host.ts';
import type { LeaseHolder, LeaseProgram } from './client.ts';
import { contested } from './contests.ts';

/**
 * The findings about an installed client. None may be changed while another program serves one of its interfaces. A
 * client that does not run affects no setting yet.
 */
export function clientFindings(
  host: Host,
  { program, runs, holders }: { program: LeaseProgram; runs: boolean; holders: () => readonly LeaseHolder[] },
  found: readonly Finding[],
): Finding[] {
  if (host.live && !runs) return found.map((finding) => ofIdleClient(finding, program));
  const refusal = contested(holders(), program);
  return found.map((finding) => (refusal === null ? finding : { ...finding, refusal, reason: refusal }));
}

/**
 * The files of a client that does not run are kept right, so that they work from its first second. Until then a file
 * that cannot be prepared is no failure.
 */
function ofIdleClient(finding: Finding, program: string): Finding {
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
