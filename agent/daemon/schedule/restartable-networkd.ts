/** `dhcp.restart: whenSafe` in the daemon, for systemd-networkd. */
import { RUN_FOLDER } from '../../host/paths.ts';
import type { RestartResult } from '../../restart/restart.ts';
import { EVENTS } from '../daemon-events.ts';
import type { RestartableClient, RestartingOptions } from './restarting.ts';

export function restartableNetworkd(options: RestartingOptions): RestartableClient {
  return {
    program: 'systemd-networkd',
    events: {
      restarted: EVENTS.networkdRestarted,
      postponed: EVENTS.networkdPending,
      failed: EVENTS.networkdRestartFailed,
    },
    restart: () => restart(options),
  };
}

async function restart({ host, desired, enforce, agent }: RestartingOptions): Promise<RestartResult[]> {
  const whole = desired();
  if (!host.live || !enforce || whole?.networkdRestart !== 'whenSafe') return [];
  if (host.processes('systemd-network', 'network').length === 0) return [];
  const { pendingWithNetworkd } = await import('../../clients/networkd/kept-dhcp.ts');
  if ((await pendingWithNetworkd(host, whole)).length === 0) return [];
  const { isConfined, restartBySystemd } = await import('../../restart/by-systemd.ts');
  // systemd may refuse a restart that a process in the daemon's sandbox asks for.
  if (isConfined(host)) return restartBySystemd(host, 'systemd-networkd', await agent(['networkd']));
  const { restartNetworkd } = await import('../../restart/networkd-restart.ts');
  return host.exclusively(RUN_FOLDER, () => restartNetworkd(host, whole), 0);
}
