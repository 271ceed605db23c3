/**
 * What a host loses when it begins to forward IPv6: a router does not believe router advertisements, so where accept_ra is 1
 * the kernel drops the default routes that it made of them, at once, and no more come (rt6_purge_dflt_routers; ip-sysctl.rst,
 * accept_ra). With 2 they stay.
 */
import type { DesiredSysctl } from '../config/desired.ts';
import { sysctlKey } from '../config/sysctl.ts';
import { errorMessage } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { advertisedDefaults } from '../host/netlink/advertised-routes.ts';

/** Milliseconds for the kernel's list of routes. */
const TIME_LIMIT = 10_000;

/** What would be lost, as a sentence for people; null: nothing, or it is configured what accept_ra is to be. */
export async function lostByForwarding(host: Host, wanted: readonly DesiredSysctl[]): Promise<string | null> {
  let interfaces: readonly string[];
  try {
    interfaces = await advertisedDefaults(AbortSignal.timeout(TIME_LIMIT));
  } catch (error) {
    return `whether a default route would be lost by it cannot be told: ${errorMessage(error)}`;
  }
  const lost = interfaces.filter((name) => {
    const path = acceptRa(name);
    return host.sysctl(path)?.trim() === '1' && !wanted.some((one) => one.path === path);
  });
  if (lost.length === 0) return null;
  const cure = lost.map((name) => `${sysctlKey(acceptRa(name))}: 2`).join(', ');
  return `${lost.join(', ')} would lose the IPv6 default route that it has by router advertisement, since a host that forwards believes none; hold sysctl ${cure} to keep it`;
}

function acceptRa(name: string): string {
  return `net/ipv6/conf/${name}/accept_ra`;
}
