/** unbound asks some domains at their own servers: a file of ours in the folder that its configuration includes. */
import type { DesiredSplit } from '../../config/desired.ts';
import type { Finding } from '../../hold/resource.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { isBuiltIn } from './built-in-zones.ts';
import { forwarderFinding, splitFile, splitZones } from './split-view.ts';
import { hasRead } from './told-programs.ts';
import { unboundSplitFile } from './unbound-conf.ts';
import { runningForwards } from './unbound-control.ts';

const HEADER = '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';

/**
 * `domain-insecure`: the public parent of an internal domain proves by DNSSEC that the domain does not exist, and unbound
 * would believe the parent. `private-domain`: unbound may be told to strip private addresses from answers.
 * `local-zone`: unbound answers for the reverse domains of private networks itself.
 */
export function unboundSplitText(split: readonly DesiredSplit[]): string {
  const zones = splitZones(split);
  const server = zones.flatMap(({ domain }) => [
    `  domain-insecure: "${domain}."\n`,
    `  private-domain: "${domain}."\n`,
    ...(isBuiltIn(domain) ? [`  local-zone: "${domain}." transparent\n`] : []),
  ]);
  const forwards = zones.map(({ domain, servers }) => {
    const addresses = servers.map((address) => `  forward-addr: ${address}\n`);
    return `forward-zone:\n  name: "${domain}."\n${addresses.join('')}`;
  });
  return `${HEADER}server:\n${server.join('')}${forwards.join('')}`;
}

export async function unboundFindings(
  host: Host,
  split: readonly DesiredSplit[],
  process: Process | null,
): Promise<Finding[]> {
  const key = unboundSplitFile(host, process);
  const file = await splitFile(host, split, { key, wanted: unboundSplitText(split) });
  return [...(file === null ? [] : [file]), running(host, split, process, key)];
}

function running(host: Host, split: readonly DesiredSplit[], process: Process | null, file: string): Finding {
  const finding = forwarderFinding.bind(null, split, 'unbound');
  if (!host.live) return finding('skipped', { reason: notOfTheseFiles('unbound') });
  if (process === null) return finding('unknown', { reason: 'unbound, which is enabled, does not run yet' });
  const forwards = runningForwards(host, process);
  const zones = splitZones(split);
  const missing = zones.flatMap(({ domain, servers }) => {
    const asked = forwards?.get(domain);
    return asked !== undefined && sameSet(asked, servers) ? [] : domain;
  });
  const isRead = host.readText(file) === unboundSplitText(split) && hasRead(host, process, file);
  const isRight = forwards === null ? isRead : missing.length === 0 && isRead;
  if (isRight) return finding('ok');
  const reason =
    missing.length > 0 && forwards !== null
      ? `unbound[${process.pid}] does not ask these servers for ${missing.join(', ')}`
      : `unbound[${process.pid}] has not read the present file yet`;
  return finding('drifted', { reason });
}

function sameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}
