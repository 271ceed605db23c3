/**
 * The losses of a restart. Addresses and routes are put back with their remaining lifetime; a loss in resolv.conf is
 * reported. A permanent address that is of no lease is also only reported: it may be a virtual address of keepalived,
 * which another host has taken over meanwhile, and two hosts must not have it.
 */
import type { Host } from '../host/host.ts';
import { type Address, networkAround, type StageRoute } from '../rehearse/network.ts';
import { addAddress, addRoute, addressLine, routeLine } from '../rehearse/network-commands.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { RestartEntry } from './under-way.ts';

export interface RestartLoss {
  readonly addresses: readonly Address[];
  /** Addresses that are not put back, as `ip` shows them. */
  readonly unsafe: readonly string[];
  readonly routes: readonly StageRoute[];
  /** All losses, as `ip` shows them, and the errors in resolv.conf. */
  readonly lines: readonly string[];
}

/** null if nothing is lost. Addresses whose lease has ended meanwhile do not count. */
export function lossOf(
  host: Host,
  {
    interfaces,
    networks,
    leased,
    resolvConf,
    began,
  }: Pick<RestartEntry, 'interfaces' | 'networks' | 'leased' | 'resolvConf' | 'began'>,
): RestartLoss | null {
  const elapsed = Math.max(0, Math.ceil((Date.now() - began) / 1000));
  const now = interfaces.map((iface) => networkAround(host, iface));
  const addresses = new Set(now.flatMap((one) => one.addresses.map(shown)));
  const routes = new Set(now.flatMap((one) => one.routes.map(routeLine)));
  const gone = unique(
    networks.flatMap((one) => one.addresses),
    shown,
  )
    .filter((one) => !addresses.has(shown(one)))
    .map((one) => ({ ...one, validFor: left(one.validFor, elapsed), preferredFor: left(one.preferredFor, elapsed) }))
    .filter(({ validFor }) => validFor === null || validFor > 0);
  const cut = unique(
    networks.flatMap((one) => one.routes),
    routeLine,
  ).filter((one) => !routes.has(routeLine(one)));
  const isOther = resolvConf !== null && host.readText(RESOLV_CONF) !== resolvConf;
  if (gone.length + cut.length === 0 && !isOther) return null;
  const lines = [...gone.map(shown), ...cut.map(routeLine), ...(isOther ? [`${RESOLV_CONF} as it was to be`] : [])];
  const isSafe = ({ validFor, address }: Address) => validFor !== null || leased.includes(address.replace(/\/.*/, ''));
  const unsafe = gone.filter((one) => !isSafe(one)).map(shown);
  return { addresses: gone.filter(isSafe), unsafe, routes: cut, lines };
}

/** Returns the losses that could not be put back, in `ip`'s words. The resources put resolv.conf right. */
export function putBack(host: Host, { addresses, unsafe, routes }: RestartLoss): string | null {
  const left = unsafe.length === 0 ? [] : [`another host may have ${unsafe.join(', ')} by now`];
  const why = [...left, ...runBatch(host, addresses, routes)];
  return why.length === 0 ? null : why.join('; ');
}

function runBatch(host: Host, addresses: readonly Address[], routes: readonly StageRoute[]): string[] {
  const lines = [...addresses.map(addAddress), ...routes.filter(({ protocol }) => protocol !== 'kernel').map(addRoute)];
  if (lines.length === 0) return [];
  const { status, stderr, error } = host.run('ip', ['-4', '-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  return status === 0 ? [] : [error ?? stderr.trim()];
}

/**
 * Without the metric of the route to its network: systemd-networkd 252 makes that route anew at its start, with another.
 */
const shown = (one: Address) => `${addressLine({ ...one, metric: null })} dev ${one.interface}`;

function left(seconds: number | null, elapsed: number): number | null {
  return seconds === null ? null : seconds - elapsed;
}

function unique<T>(all: readonly T[], key: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [key(one), one])).values()];
}
