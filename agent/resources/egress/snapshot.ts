/** The IPv4 default routes as they are, and how they come back. */
import { BOOT, DHCP } from '../../egress/defaults.ts';
import type { Host } from '../../host/host.ts';
import { defaultRoutes } from '../../host/netlink/routes/default-routes.ts';
import { type KeptRoute, keptRoute, restoreRoutes } from '../../host/netlink/routes/restore-routes.ts';
import type { SeenRoute } from '../../host/netlink/routes/seen-route.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { EGRESS } from '../../host/paths.ts';

/** Milliseconds for the kernel's answers. */
const TIME = 10_000;

interface DefaultsSnapshot {
  readonly routes: readonly KeptRoute[];
  /** The note in /run of what was done to DHCP's routes; null if there is none. */
  readonly note: string | null;
}

/** Throws NetlinkError. */
export async function defaultsSnapshot(host: Host): Promise<DefaultsSnapshot> {
  const routes = await defaultRoutes('ipv4', AbortSignal.timeout(TIME));
  return { routes: routes.filter(isOfDhcp).map(keptRoute), note: host.readText(EGRESS) };
}

/** Throws NetlinkError. */
export async function putBackDefaults(host: Host, snapshot: unknown, kernel: boolean): Promise<string | null> {
  // The note is in /run, and a reboot has removed it together with the routes.
  if (!kernel) return null;
  const { routes, note } = snapshot as DefaultsSnapshot;
  const signal = AbortSignal.timeout(TIME);
  const now = (await defaultRoutes('ipv4', signal)).filter(isOfDhcp);
  using socket = await NetlinkSocket.open();
  const problems = await restoreRoutes(socket, routes, now, isOfDhcp, signal);
  if (note === null) host.remove(EGRESS);
  else if (note !== host.readText(EGRESS)) host.replaceOwn(EGRESS, note, 0o644);
  return problems.length === 0 ? null : problems.join('; ');
}

function isOfDhcp({ protocol }: SeenRoute): boolean {
  return protocol === BOOT || protocol === DHCP;
}
