/** The MTU of a link beside the configured one. A client sets it with a new address or when it starts, never at a renewal. */
import type { ConfiguredState, DesiredDhcp } from '../config/desired.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { LeaseHolder } from './client.ts';

/** The option that sets the MTU of a link. */
export const MTU = 'interface-mtu';

/** Bytes; null if not configured. */
export function mtuOf({ global, interfaces }: DesiredDhcp, name: string): string | null {
  return (interfaces.get(name)?.supersede.get(MTU) ?? global.supersede.get(MTU))?.[0] ?? null;
}

/** Bytes; null if there is no such link, or if its MTU cannot be read. */
export function presentMtu(host: Host, name: string): string | null {
  return nullIfRefused(() => host.readText(`/sys/class/net/${name}/mtu`))?.trim() ?? null;
}

/** A link with the MTU that the configuration gives it. */
export interface LinkMtu {
  readonly name: string;
  /** Bytes. */
  readonly mtu: string;
}

/** The links of running clients whose MTU is the configured one. */
export function configuredMtus(
  host: Host,
  { dhcp, dhclient }: ConfiguredState,
  holders: readonly LeaseHolder[],
): LinkMtu[] {
  return holders.flatMap(({ program, interfaces }) =>
    (interfaces === 'all' ? [] : interfaces).flatMap((name) => {
      const mtu = mtuOf(program === 'dhclient' ? dhclient : dhcp, name);
      return mtu !== null && mtu === presentMtu(host, name) ? [{ name, mtu }] : [];
    }),
  );
}
