/**
 * Kernel settings that other programs set once systemd-sysctl is done, from their own files: tuned, systemd-networkd and
 * NetworkManager. Only looked at where a configured setting may be one of them.
 */
import { networkdSysctls } from '../clients/networkd-sysctls.ts';
import { networkManagerSysctls } from '../clients/networkmanager-sysctls.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Assignment } from './sysctl-files.ts';
import { reappliesSysctls, tunedSysctls } from './tuned-profile.ts';

/** In no order: no two of them set the same key of one interface. What cannot be read sets nothing that we know of. */
export function laterSysctls(host: Host): Assignment[] {
  const tuned = reappliesSysctls(host) ? [] : tunedSysctls(host);
  const ofLinks = nullIfRefused(() => [...networkdSysctls(host), ...networkManagerSysctls(host)]) ?? [];
  return [...tuned, ...ofLinks];
}
