/** The files of NetworkManager that the running one has not read in their present form. */
import { Originals } from '../../hold/originals/originals.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { allConfFiles } from './conf.ts';
import { DHCP_CONF, hasReadConf, NETWORK_MANAGER_CONF } from './running.ts';

/** Files of conf.d. A reload by another program leaves no trace, so the answer may name a file that was read since. */
export function unreadConf(host: Host, process: Process): string[] {
  return allConfFiles(host).filter((conf) => {
    const isOurs = conf === NETWORK_MANAGER_CONF || conf === DHCP_CONF;
    return isOurs ? !hasReadConf(host, process, conf) : changedAfterStart(host, conf, process) !== null;
  });
}

/**
 * Whether another program changed the profile. NetworkManager has read a profile that Holdfast wrote, and knows a profile that
 * it made itself ("Wired connection 1").
 */
export function isUnreadProfile(host: Host, process: Process, file: string): boolean {
  const original = nullIfRefused(() => new Originals(host).find('file', file));
  const text = host.readText(file);
  if (original?.after === text || /^nm-generated=true$/m.test(text ?? '')) return false;
  return changedAfterStart(host, file, process) !== null;
}
