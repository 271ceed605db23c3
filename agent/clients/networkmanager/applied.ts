/**
 * The settings that the running NetworkManager applies to a device, its profiles, and how it writes DNS. NetworkManager copies
 * the profile when it activates the device, and reads the profile again only at the next activation. We ask over D-Bus by
 * busctl(1), because nmcli(1) does not show these settings.
 */
import type { Host } from '../../host/host.ts';
import { linkIndex } from '../link-names.ts';
import { type DBusValue, dbusValues } from './dbus-values.ts';
import type { ProfileKey } from './profile-text.ts';
import { networkManager } from './running.ts';

const BUS = 'org.freedesktop.NetworkManager';
const PATH = '/org/freedesktop/NetworkManager';

/** Whether each key is in force on the device; null if NetworkManager does not say. */
export function isApplied(host: Host, device: string, keys: readonly ProfileKey[]): boolean | null {
  const settings = appliedSettings(host, device)?.data;
  if (typeof settings !== 'object' || settings === null) return null;
  return keys.every(({ section, key, value }) => {
    const data = (settings as Applied)[section]?.[key]?.data;
    return String(data ?? '') === value;
  });
}

type Applied = Partial<Record<string, Partial<Record<string, { readonly data?: unknown }>>>>;

/** The settings of the device's activation, without secrets; null if NetworkManager does not say. */
export function appliedSettings(host: Host, device: string): DBusValue | null {
  return ofDevice(
    host,
    device,
    (path) => call(host, path, `${BUS}.Device`, 'GetAppliedConnection', 'u', '0')[0] ?? null,
  );
}

/** The profile as NetworkManager read it last, without secrets; null if NetworkManager does not say. */
export function profileSettings(host: Host, uuid: string): DBusValue | null {
  const [path] = call(host, `${PATH}/Settings`, `${BUS}.Settings`, 'GetConnectionByUuid', 's', uuid);
  if (!isPath(path, /^\/org\/freedesktop\/NetworkManager\/Settings\/\d+$/)) return null;
  return call(host, path.data, `${BUS}.Settings.Connection`, 'GetSettings')[0] ?? null;
}

/** `dns` and `rc-manager` of the configuration that NetworkManager read last; null if NetworkManager does not say. */
export function dnsModeInForce(host: Host): { readonly dns: string; readonly rcManager: string } | null {
  const names = ['Mode', 'RcManager'];
  const shown = busctl(host, 'get-property', BUS, `${PATH}/DnsManager`, `${BUS}.DnsManager`, ...names);
  const [dns, rcManager] = shown.split('\n').map((line) => dbusValues(line)[0]?.data);
  const isWord = (text: unknown): text is string => typeof text === 'string' && /^[a-z-]+$/.test(text);
  return isWord(dns) && isWord(rcManager) ? { dns, rcManager } : null;
}

export interface DeviceNames6 {
  readonly nameservers: readonly Uint8Array[];
  readonly search: readonly string[];
}

/** The IPv6 name servers and search domains of the device, from every source; null if NetworkManager does not say. */
export function names6InForce(host: Host, device: string): DeviceNames6 | null {
  const config = ofDevice(host, device, (path) => {
    const [shown] = dbusValues(busctl(host, 'get-property', BUS, path, `${BUS}.Device`, 'Ip6Config'));
    return isPath(shown, /^\/org\/freedesktop\/NetworkManager\/IP6Config\/\d+$/) ? shown : null;
  });
  if (config === null) return null;
  const shown = busctl(host, 'get-property', BUS, config.data, `${BUS}.IP6Config`, 'Nameservers', 'Searches');
  const [servers, search] = shown.split('\n').map((line) => propertyIn(line));
  if (!Array.isArray(servers) || !Array.isArray(search)) return null;
  return {
    nameservers: servers.flatMap((bytes) => (isBytes(bytes) ? [Uint8Array.from(bytes)] : [])),
    search: search.filter((name): name is string => typeof name === 'string'),
  };
}

/** A property whose value is a list is no list of values. */
function propertyIn(line: string): unknown {
  try {
    return (JSON.parse(line) as DBusValue | null)?.data;
  } catch {
    return null;
  }
}

const isBytes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => Number.isInteger(one) && one >= 0 && one <= 255);

/** The path of each device by its index, of one NetworkManager, which uses no path again while it runs. */
const PATHS = new WeakMap<Host, { readonly who: string; readonly byIndex: Map<string, string> }>();

/**
 * Asks about a device by its path. A daemon asks for the path once. A device that NetworkManager gave up and took again has
 * another path. null if NetworkManager does not say.
 */
function ofDevice<T>(host: Host, device: string, ask: (path: string) => T | null): T | null {
  const paths = pathsOf(host);
  const index = linkIndex(host, device) ?? '';
  const known = paths.get(index);
  const answer = known === undefined ? null : ask(known);
  if (answer !== null) return answer;
  const [path] = call(host, PATH, BUS, 'GetDeviceByIpIface', 's', device);
  if (!isPath(path, /^\/org\/freedesktop\/NetworkManager\/Devices\/\d+$/)) return null;
  paths.set(index, path.data);
  return ask(path.data);
}

function pathsOf(host: Host): Map<string, string> {
  const process = networkManager(host);
  const who = `${process?.pid} ${process?.sinceBoot}`;
  const known = PATHS.get(host);
  if (known?.who === who) return known.byIndex;
  const byIndex = new Map<string, string>();
  PATHS.set(host, { who, byIndex });
  return byIndex;
}

/** The path stands in the next call. */
function isPath(value: DBusValue | undefined, form: RegExp): value is { type: string; data: string } {
  return typeof value?.data === 'string' && form.test(value.data);
}

function call(host: Host, path: string, ...words: readonly string[]): DBusValue[] {
  return dbusValues(busctl(host, 'call', BUS, path, ...words));
}

/** '' if the bus or NetworkManager does not answer. */
function busctl(host: Host, ...words: readonly string[]): string {
  const { status, stdout } = host.run('busctl', ['--system', '--json=short', '--timeout=5', ...words]);
  return status === 0 ? stdout : '';
}
