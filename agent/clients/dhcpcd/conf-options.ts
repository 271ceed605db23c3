/**
 * The lines of our block in dhcpcd.conf that hold `dhcp`: what dhcpcd itself does with a lease. Its hooks are told by our
 * enter hook. Measured with dhcpcd 9.4.1: `nooption` keeps an option from the request, from the routes and from the
 * hooks, and takes back a `require`. `static routers=` and `static classless_static_routes=` replace all routes of the
 * lease. `static interface_mtu=` sets the MTU of the routes.
 */
import type { DesiredDhcp } from '../../config/desired.ts';
import { type WantedOfDhcpcd, wantedOfDhcpcd } from './wanted.ts';

/** Global lines first, then a section for each interface that differs. */
export function optionStatements(dhcp: DesiredDhcp): string[] {
  const global = statements(wantedOfDhcpcd(dhcp, null));
  const sections = [...dhcp.interfaces.keys()].flatMap((name) => {
    const wanted = wantedOfDhcpcd(dhcp, name);
    const own = [...statements(wanted), ...takenBack(wantedOfDhcpcd(dhcp, null), wanted)];
    const lines = own.filter((line) => !global.includes(line));
    return lines.length === 0 ? [] : [`interface ${name}`, ...lines];
  });
  return [...global, ...sections];
}

function statements({ statics, refused, asked, advertisements }: WantedOfDhcpcd): string[] {
  return [
    ...[...statics].map(([name, value]) => `static ${name}=${value}`),
    ...refused.map((name) => `nooption ${name}`),
    ...asked.map((name) => `option ${name}`),
    ...(advertisements ? [] : ['noipv6rs']),
  ];
}

/** The parts that this interface takes, although all others refuse them. */
function takenBack(others: WantedOfDhcpcd, own: WantedOfDhcpcd): string[] {
  const options = others.refused.filter((name) => !own.refused.includes(name) && !own.asked.includes(name));
  return options.map((name) => `option ${name}`);
}
