/** `dns.split` as a setting, for every program that can hold it. */
import type { DesiredSplit } from '../../config/desired.ts';
import { compareFile } from '../../hold/files/compare-file.ts';
import type { Finding, Moment, SettingState, State } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';

export const SPLIT_RESOURCE = 'split';

/** The names of all our files and records of `dns.split` contain this word. */
export const SPLIT_FILE = 'holdfast-split';

/** Whether this file of ours is one that systemd-resolved reads. */
export function isOfResolved(file: string): boolean {
  return file.startsWith('/etc/systemd/');
}

/** `corp.example, 10.in-addr.arpa: 10.0.0.2; lab.example: 10.0.0.3`. */
export function describeSplit(split: readonly DesiredSplit[]): string {
  return split.map(({ domains, servers }) => `${domains.join(', ')}: ${servers.join(' ')}`).join('; ');
}

export function splitState(
  split: readonly DesiredSplit[],
  moment: Moment,
  state: State,
  reason?: string | undefined,
): SettingState {
  const wanted = describeSplit(split);
  const actual = state === 'ok' ? wanted : null;
  return { setting: 'dns.split', moment, state, wanted, actual, ...(reason === undefined ? {} : { reason }) };
}

/** The file that a forwarder reads at its start. `refusal`: why the forwarder cannot hold the split in spite of it. */
export function splitFile(
  host: Host,
  split: readonly DesiredSplit[],
  { key, wanted, refusal }: { readonly key: string; readonly wanted: string; readonly refusal?: string | undefined },
): Promise<Finding | null> {
  const states = async (isRight: boolean) => [splitState(split, 'boot', isRight ? 'ok' : 'drifted', refusal)];
  return compareFile(
    host,
    { resource: SPLIT_RESOURCE, key, moment: 'boot' },
    (actual) => ({ wanted, refusal, settings: () => states(refusal === undefined && actual === wanted) }),
    { unseen: (reason) => [splitState(split, 'boot', 'unknown', reason)] },
  );
}

/** Each domain with its servers. */
export function splitZones(
  split: readonly DesiredSplit[],
): { readonly domain: string; readonly servers: DesiredSplit['servers'] }[] {
  return split.flatMap(({ domains, servers }) => domains.map((domain) => ({ domain, servers })));
}

/** The finding about a running forwarder: what it was told, and what is wrong with that. */
export function forwarderFinding(
  split: readonly DesiredSplit[],
  key: string,
  state: State,
  { reason, shown = state }: { readonly reason?: string | undefined; readonly shown?: State } = {},
): Finding {
  const wanted = describeSplit(split);
  return {
    resource: SPLIT_RESOURCE,
    key,
    kind: 'forwarder',
    moment: 'now',
    state,
    wanted,
    actual: state === 'ok' ? wanted : null,
    ...(reason === undefined ? {} : { reason }),
    settings: async () => [splitState(split, 'now', shown, reason)],
  };
}
