/** The hardware addresses of this host's interfaces (sysfs-class-net): what tells one instance of an image from another. */
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';

const INTERFACES = '/sys/class/net';

/** `0e:49:61:0f:c3:11`; null: there is no such interface, or it has none. */
export function hardwareAddressOf(host: Host, device: string): string | null {
  const text = nullIfRefused(() => host.readText(`${INTERFACES}/${device}/address`))?.trim() ?? '';
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) ? text : null;
}

/** The interface that has it: `likely`, or else any other, since its name may be another after a boot; null: none has. */
export function deviceOf(host: Host, mac: string, likely: string | null = null): string | null {
  if (likely !== null && hardwareAddressOf(host, likely) === mac) return likely;
  return host.list(INTERFACES).find((device) => hardwareAddressOf(host, device) === mac) ?? null;
}
