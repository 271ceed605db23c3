/** The findings about `dns.split`: its files, and the program that reads them. */
import type { DesiredDns, DesiredSplit } from '../../config/desired.ts';
import type { Finding } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type Answerer, findAnswerer } from './answerer.ts';
import { RESOLVED_SPLIT_FILE } from './resolved-files.ts';
import { describeSplit, SPLIT_RESOURCE, splitState } from './split-view.ts';

/** @param kept the files of ours that are there. */
export async function inspectSplit(host: Host, dns: DesiredDns | null, kept: readonly string[]): Promise<Finding[]> {
  if (dns?.split == null) return kept.map((file) => leftBehind(host, file));
  const answerer = findAnswerer(host, dns);
  const found = await findingsOf(host, dns, dns.split, answerer);
  // A forwarder may be stopped only for a moment, so its files stay until another program holds the setting.
  if (answerer.by === 'unknown' || answerer.by === 'nobody') return found;
  const others = kept.filter((file) => !found.some(({ key }) => key === file));
  const mayBeNeeded = answerer.by === 'systemd-resolved' && others.includes(RESOLVED_SPLIT_FILE);
  const needed = mayBeNeeded ? await neededFile(host, dns.split) : null;
  return [...others.filter((file) => file !== needed).map((file) => leftBehind(host, file)), ...found];
}

/** The file of ours that the running systemd-resolved needs until it is started anew; null if there is none. */
async function neededFile(host: Host, split: readonly DesiredSplit[]): Promise<string | null> {
  const { needsGlobalServers } = await import('./delegate-split.ts');
  return needsGlobalServers(host, split) ? RESOLVED_SPLIT_FILE : null;
}

async function findingsOf(
  host: Host,
  dns: DesiredDns,
  split: readonly DesiredSplit[],
  answerer: Answerer,
): Promise<Finding[]> {
  try {
    switch (answerer.by) {
      case 'dnsmasq':
        return await (await import('./dnsmasq-split.ts')).dnsmasqFindings(host, split, answerer.process);
      case 'unbound':
        return await (await import('./unbound-split.ts')).unboundFindings(host, split, answerer.process);
      case 'systemd-resolved':
        return await (await import('./resolved-split.ts')).resolvedFindings(host, dns, split);
      case 'nobody':
        return [nobody(split, answerer.why)];
      case 'unknown':
        return [unseen(split, answerer.why)];
    }
  } catch (error) {
    return [nobody(split, errorMessage(error))];
  }
}

/** Nobody can hold the setting on this host: a failure with the remedy. */
function nobody(split: readonly DesiredSplit[], why: string): Finding {
  return { ...whole(split), state: 'drifted', reason: why, refusal: why, settings: states(split, 'drifted', why) };
}

function unseen(split: readonly DesiredSplit[], why: string): Finding {
  return { ...whole(split), state: 'unknown', reason: why, settings: states(split, 'unknown', why) };
}

function whole(split: readonly DesiredSplit[]) {
  const wanted = describeSplit(split);
  return { resource: SPLIT_RESOURCE, key: 'dns.split', kind: 'resource', moment: 'now', wanted, actual: null } as const;
}

function states(split: readonly DesiredSplit[], state: 'drifted' | 'unknown', why: string): Finding['settings'] {
  return async () => [splitState(split, 'now', state, why), splitState(split, 'boot', state, why)];
}

/** A file that no configuration wants any more. */
function leftBehind(host: Host, key: string): Finding {
  const actual = host.readText(key);
  const place = { resource: SPLIT_RESOURCE, key, kind: 'file', moment: 'boot' } as const;
  return { ...place, state: 'drifted', wanted: null, actual, settings: async () => [] };
}
