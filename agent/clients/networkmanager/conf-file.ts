/**
 * Our files of conf.d in the running NetworkManager, which reads its configuration at its start and at SIGHUP: the
 * finding about it, and the change of a file.
 */
import { applyFile } from '../../hold/files/apply-file.ts';
import type { Finding, Outcome } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { hasReadConf, networkManager, tellNetworkManager } from './running.ts';

export const NOT_READ = 'NetworkManager has not read its configuration since the change';

/** Whether the running NetworkManager has read the file. `wanted`: what it knows then. */
export function readFinding(
  process: Process,
  state: Finding['state'],
  { resource, wanted, knows, settings }: Pick<Finding, 'resource' | 'settings'> & { wanted: string; knows: boolean },
): Finding {
  return {
    resource,
    key: `NetworkManager[${process.pid}]`,
    kind: 'process',
    moment: 'lease',
    state,
    wanted,
    actual: knows ? wanted : null,
    ...(state === 'drifted' ? { reason: NOT_READ } : {}),
    settings,
  };
}

/** Changes the file, or makes NetworkManager read it. */
export async function applyConf(host: Host, finding: Finding, conf: string): Promise<Outcome> {
  if (finding.kind === 'file') {
    const outcome = await applyFile(host, finding);
    tellNetworkManager(host);
    return outcome;
  }
  // If the file was also wrong, NetworkManager was signalled together with the file's change.
  if (!knowsConf(host, conf)) tellNetworkManager(host);
  const { resource, key, moment, wanted } = finding;
  const outcome = { resource, key, moment };
  if (knowsConf(host, conf)) return { ...outcome, result: 'changed', actual: wanted };
  const reason = 'this NetworkManager has ended, or another one runs now';
  return { ...outcome, result: 'failed', actual: null, reason };
}

export function knowsConf(host: Host, conf: string): boolean {
  const process = networkManager(host);
  return process !== null && hasReadConf(host, process, conf);
}
