/** `dhclient.restart: whenSafe` in the daemon. */
import { dhcpClients, staleSince } from '../../clients/dhclient/running.ts';
import { noteStarts } from '../../clients/dhclient/start-records.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { RESTART, RUN_FOLDER } from '../../host/paths.ts';
import type { RestartResult } from '../../restart/restart.ts';
import { EVENTS } from '../daemon-events.ts';
import type { RestartableClient, RestartingOptions } from './restarting.ts';

export function restartableDhclient(options: RestartingOptions): RestartableClient {
  return {
    program: 'dhclient',
    events: {
      restarted: EVENTS.dhclientRestarted,
      postponed: EVENTS.dhclientPending,
      failed: EVENTS.dhclientRestartFailed,
    },
    restart: () => restart(options),
  };
}

async function restart({ host, desired, enforce, agent }: RestartingOptions): Promise<RestartResult[]> {
  const clients = dhcpClients(host);
  nullIfRefused(() => noteStarts(host, clients));
  const whole = desired();
  const isLeft = host.lstat(RESTART) !== null;
  const mayBe = whole?.restart === 'whenSafe' && clients.some((client) => staleSince(host, client) !== null);
  if (!host.live || !enforce || whole === null || (!isLeft && !mayBe)) return [];
  const { finishRestart, pendingRestarts, restartPending } = await import('../../restart/restart.ts');
  if (!isLeft && pendingRestarts(host, whole).length === 0) return [];
  const { isConfined, restartBySystemd } = await import('../../restart/by-systemd.ts');
  if (isConfined(host)) return restartBySystemd(host, 'dhclient', await agent(['hooks', 'dhclient']));
  const work = mayBe ? () => restartPending(host, whole) : () => finishRestart(host);
  return host.exclusively(RUN_FOLDER, work, 0);
}
