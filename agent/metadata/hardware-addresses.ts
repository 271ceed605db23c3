/** The hardware addresses of this host's interfaces (sysfs-class-net). They distinguish two instances of one image. */
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

const INTERFACES = '/sys/class/net';

/** `0e:49:61:0f:c3:11`; null if there is no such interface, or it has no hardware address. */
export function hardwareAddressOf(host: Host, device: string): string | null {
  const text = nullIfRefused(() => host.readText(`${INTERFACES}/${device}/address`))?.trim() ?? '';
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) ? text : null;
}

/**
 * The interface with this hardware address; null if none has it. We try `likely` first and every other interface
 * afterwards, because names may change at a boot.
 */
export function deviceOf(host: Host, mac: string, likely: string | null = null): string | null {
  if (likely !== null && hardwareAddressOf(host, likely) === mac) return likely;
  return host.list(INTERFACES).find((device) => hardwareAddressOf(host, device) === mac) ?? null;
}
