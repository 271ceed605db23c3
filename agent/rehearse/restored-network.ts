/** The network of a running client on the stage is made the host's, because another program may have changed that since. */
import type { LiveStage } from './live-stage.ts';
import { type Network, parseAddresses, parseRoutes, type StageRoute } from './network.ts';
import { addAddress, addRoute, routeLine } from './network-commands.ts';
import { type Network6, seenAddresses6, seenRoutes6, withoutLinkLocal } from './network6.ts';
import { shownAddress } from './result.ts';

/** Lines for the stage, after `look started`. */
export function restoring(stage: LiveStage, four: Network, six: Network6 | null): string[] {
  const text = (name: string) => stage.section(`${name}.started`) ?? '';
  const now4 = {
    addresses: parseAddresses(text('addresses')).filter((one) => one.interface !== 'lo'),
    routes: parseRoutes(text('routes')),
  };
  const now6 = { addresses: seenAddresses6(text('addresses6')), routes: seenRoutes6(text('routes6')) };
  return [
    ...changes(now4, four).map((line) => `change 4 ${line}`),
    ...(six === null ? [] : changes(now6, withoutLinkLocal(six)).map((line) => `change 6 ${line}`)),
  ];
}

/** The lines of `ip -batch` that make the one network the other. */
function changes(now: Omit<Network, 'links'>, { addresses, routes }: Omit<Network, 'links'>): string[] {
  const nowRoutes = now.routes.filter(isMade);
  const [had, has] = [new Set(addresses.map(shownAddress)), new Set(now.addresses.map(shownAddress))];
  const [wanted, made] = [new Set(routes.map(routeLine)), new Set(nowRoutes.map(routeLine))];
  return [
    ...nowRoutes
      .filter((one) => !wanted.has(routeLine(one)))
      .map((one) => addRoute(one).replace('route add', 'route del')),
    ...now.addresses
      .filter((one) => !had.has(shownAddress(one)))
      .map((one) => `addr del ${one.address} dev ${one.interface}`),
    ...addresses.filter((one) => !has.has(shownAddress(one))).map(addAddress),
    ...routes.filter((one) => isMade(one) && !made.has(routeLine(one))).map(addRoute),
  ];
}

/** Whether a program made the route. The kernel makes others by itself with an address. */
const isMade = ({ protocol }: StageRoute) => protocol !== 'kernel';
