/**
 * The settings that the running NetworkManager applies to a device. It copies the profile when the device is activated, and reads the
 * profile again only at the next activation. Asked over D-Bus by busctl(1), because nmcli(1) does not show it.
 */
import type { Host } from '../../host/host.ts';
import type { ProfileKey } from './profile-text.ts';

const BUS = 'org.freedesktop.NetworkManager';

/** Whether each key is in force on the device; null if NetworkManager does not say. */
export function isApplied(host: Host, device: string, keys: readonly ProfileKey[]): boolean | null {
  const path = ask(host, '/org/freedesktop/NetworkManager', BUS, 'GetDeviceByIpIface', 's', device);
  if (typeof path !== 'string' || !/^\/org\/freedesktop\/NetworkManager\/Devices\/\d+$/.test(path)) return null;
  const settings = ask(host, path, `${BUS}.Device`, 'GetAppliedConnection', 'u', '0');
  if (typeof settings !== 'object' || settings === null) return null;
  return keys.every(({ section, key, value }) => {
    const data = (settings as Applied)[section]?.[key]?.data;
    return String(data ?? '') === value;
  });
}

type Applied = Partial<Record<string, Partial<Record<string, { readonly data?: unknown }>>>>;

function ask(host: Host, path: string, ...call: readonly string[]): unknown {
  const { status, stdout } = host.run('busctl', [
    '--system',
    '--json=short',
    '--timeout=5',
    'call',
    BUS,
    path,
    ...call,
  ]);
  const data = status === 0 ? dataOf(stdout) : null;
  return Array.isArray(data) ? data[0] : null;
}

function dataOf(json: string): unknown {
  try {
    return (JSON.parse(json) as { data?: unknown }).data ?? null;
  } catch {
    return null;
  }
}
