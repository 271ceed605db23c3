/** Identifies the running systemd-networkd, across processes of ours and until the next boot. */
import type { Host } from '../../host/host.ts';
import { BOOT_MARK } from '../../host/paths.ts';

/**
 * The identity, without the clock, which may be stepped. undefined if no systemd-networkd runs, or if nothing was
 * marked since the boot, so that it cannot have been told anything by us.
 */
export function runningNetworkd(host: Host): string | undefined {
  const [process] = host.processes('systemd-network', 'network');
  const boot = process === undefined ? null : host.readText(BOOT_MARK);
  return boot === null ? undefined : `${boot.trim()} ${process!.pid} ${process!.sinceBoot}`;
}
