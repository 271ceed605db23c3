import type { DesiredState } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import type { DhcpPlan } from './dhcp-plan.ts';

/** The lines by which systemd-networkd leaves the routes of an offer, whichever setting asked for them. */
const LEAVES_ROUTES = /^Use(Gateway|Routes)=no$/;

/** Why the next start with the drop-in of a `.network` file would lose the default route, by file. */
export async function cutOffAtStart(
  host: Host,
  desired: DesiredState,
  plans: readonly DhcpPlan[],
): Promise<ReadonlyMap<string, string>> {
  const leaving = plans.filter(({ held }) =>
    held.some(({ lines }) => lines.some(({ section, line }) => section === 'DHCPv4' && LEAVES_ROUTES.test(line))),
  );
  if (leaving.length === 0) return new Map();
  // A file that another program will make may come to serve any link.
  const serves = ({ served }: DhcpPlan, dev: string) => served.length === 0 || served.includes(dev);
  const { cutOffs } = await import('../cut-off.ts');
  const lost = cutOffs(host, desired, (dev) => leaving.some((plan) => serves(plan, dev)));
  return new Map(
    leaving.flatMap((plan) => {
      const why = lost.find(({ devs }) => devs.some((dev) => serves(plan, dev)))?.why;
      return why === undefined ? [] : [[plan.file, why]];
    }),
  );
}
