/** Other settings on the host that remove routes, and routes that the configuration itself leaves out. */
import type { ConfiguredState } from '../../config/desired.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { networkdLeavesForeign } from '../networkd-conf.ts';

const DEFAULTS = ['0.0.0.0/0', '::/0'];

export function* staticRoutesCheck({ host, desired, daemons }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (desired === null) return;
  const networkd = daemons.get('systemd-network');
  if (desired.routes.length > 0 && networkd !== undefined && !networkdLeavesForeign(host, 'ManageForeignRoutes')) {
    yield {
      code: 'HF-ROUTES-NETWORKD',
      seen: `systemd-networkd[${networkd}] removes routes that it does not know when it configures a link anew (ManageForeignRoutes)`,
    };
  }
  const without = scopesWithoutDefault(desired);
  if (without.length > 0 && !desired.routes.some(({ to, table }) => DEFAULTS.includes(String(to)) && table === 254)) {
    const where = without.map((name) => name ?? 'every interface').join(', ');
    yield {
      code: 'HF-ROUTES-NO-DEFAULT',
      seen: `on ${where} DHCP’s routers and classless routes are both ignored, and \`routes\` has no default route`,
    };
  }
}

/** Interfaces to which DHCP brings no default route; null for all interfaces. */
function scopesWithoutDefault({ dhclient }: ConfiguredState): (string | null)[] {
  const scopes = [[null, dhclient.global] as const, ...dhclient.interfaces];
  return scopes.flatMap(([name, { ignore }]) => {
    const all = new Set([...ignore, ...dhclient.global.ignore]);
    return ignore.length > 0 && all.has('routers') && all.has('classless-routes') ? [name] : [];
  });
}
