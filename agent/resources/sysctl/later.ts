/**
 * Kernel settings that other programs set once systemd-sysctl is done, from their own files: tuned, systemd-networkd,
 * NetworkManager, and scripts. Only looked at where a configured setting may be one of them.
 */
import { networkdSysctls } from '../../clients/networkd/sysctls.ts';
import { networkManagerSysctls } from '../../clients/networkmanager/sysctls.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { isPattern, matchesSysctl } from './boot.ts';
import type { Assignment } from './files.ts';
import { scriptSysctls } from './scripts.ts';
import { reappliesSysctls, tunedSysctls } from './tuned-profile.ts';

/** `paths`: those that are asked about, which stand for the patterns that fit them. What cannot be read sets nothing that we know of. */
export function laterSysctls(host: Host, paths: readonly string[]): Assignment[] {
  const tuned = reappliesSysctls(host) ? [] : tunedSysctls(host);
  const ofLinks = nullIfRefused(() => [...networkdSysctls(host), ...networkManagerSysctls(host)]) ?? [];
  const ofScripts = nullIfRefused(() => scriptSysctls(host)) ?? [];
  return [...tuned, ...ofLinks, ...ofScripts].flatMap((one) => {
    if (!isPattern(one.path)) return [one];
    return paths.filter((path) => matchesSysctl(one.path, path)).map((path) => ({ ...one, path }));
  });
}
