/**
 * Kernel settings that other programs set after systemd-sysctl, from their own files: tuned, systemd-networkd,
 * NetworkManager, dhcpcd, ifupdown, and scripts. Inspected only if a configured setting may be one of them.
 */
import { CLIENTS } from '../../../clients/clients.ts';
import { nullIfRefused } from '../../../host/errors.ts';
import type { Host } from '../../../host/host.ts';
import { isPattern, matchesSysctl } from './boot.ts';
import { scriptSysctls } from './boot-scripts.ts';
import { ifupdownSysctls } from './ifupdown-sysctls.ts';
import type { Assignment } from './sysctl-files.ts';
import { reappliesSysctls, tunedSysctls } from './tuned-profile.ts';

/**
 * `paths`: the paths of interest; they stand for the patterns that match them. A file that cannot be read sets no known
 * value.
 */
export function laterSysctls(host: Host, paths: readonly string[]): Assignment[] {
  const tuned = reappliesSysctls(host) ? [] : tunedSysctls(host);
  const sources = [...CLIENTS.flatMap(({ sysctls }) => sysctls ?? []), ifupdownSysctls, scriptSysctls];
  const others = sources.flatMap((source): readonly Assignment[] => nullIfRefused(() => source(host)) ?? []);
  return [...tuned, ...others].flatMap((one) => {
    if (!isPattern(one.path)) return [one];
    return paths.filter((path) => matchesSysctl(one.path, path)).map((path) => ({ ...one, path }));
  });
}
