/**
 * A host that begins to forward IPv6 loses its advertised default routes. A router ignores router advertisements. With
 * accept_ra 1 the kernel therefore drops the default routes made from them at once, and makes no new ones
 * (rt6_purge_dflt_routers; ip-sysctl.rst, accept_ra). With accept_ra 2 the routes stay.
 */
import type { DesiredSysctl } from '../../config/desired.ts';
import { EVERY, sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { advertisedDefaults } from '../../host/netlink/routes/advertised-routes.ts';

/** Milliseconds for the kernel's list of routes. */
const TIME_LIMIT = 10_000;

/** A sentence about the loss; null if nothing would be lost, or if accept_ra is configured. */
export async function lostByForwarding(host: Host, wanted: readonly DesiredSysctl[]): Promise<string | null> {
  let interfaces: readonly string[];
  try {
    interfaces = await advertisedDefaults(AbortSignal.timeout(TIME_LIMIT));
  } catch (error) {
    return `cannot check whether forwarding would lose a default route: ${errorMessage(error)}`;
  }
  const lost = interfaces.filter((name) => {
    const path = acceptRa(name);
    const decided = wanted.some((one) => one.path === path || one.path === acceptRa(EVERY));
    return host.sysctl(path)?.trim() === '1' && !decided;
  });
  if (lost.length === 0) return null;
  const cure = lost.map((name) => `${sysctlKey(acceptRa(name))}: 2`).join(', ');
  return `${lost.join(', ')} would lose its IPv6 default route from router advertisements, which a forwarding host ignores; configure sysctl ${cure} to keep the route`;
}

function acceptRa(name: string): string {
  return `net/ipv6/conf/${name}/accept_ra`;
}
