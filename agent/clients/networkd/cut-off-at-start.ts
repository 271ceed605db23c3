import type { DesiredState } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import type { DhcpPlan } from './dhcp-plan.ts';

/** The lines by which systemd-networkd leaves the routes of an offer, whichever setting asked for them. */
const LEAVES_ROUTES = /^Use(Gateway|Routes)=no$/;

/** Why the next start with these drop-ins would lose the default route; null if it would not. */
export async function cutOffAtStart(
  host: Host,
  desired: DesiredState,
  plans: readonly DhcpPlan[],
): Promise<string | null> {
  const leaving = plans
    .flatMap(({ held }) => held)
    .filter(({ lines }) => lines.some(({ section, line }) => section === 'DHCPv4' && LEAVES_ROUTES.test(line)))
    .map(({ setting }) => setting.interface);
  if (leaving.length === 0) return null;
  const { cutOff } = await import('../cut-off.ts');
  return cutOff(host, desired, (dev) => leaving.includes(null) || leaving.includes(dev));
}
