/** Kernel settings as the running kernel has them: one value, or one of every interface, looked at and written as one. */
import type { DesiredSysctl } from '../config/desired.ts';
import { EVERY } from '../config/sysctl.ts';
import type { Host } from '../host/host.ts';
import { sameSysctlValue } from './sysctl-files.ts';

const MOST_NAMED = 6;
const SCOPES = ['all', 'default', 'lo'];

/** One path of /proc/sys with its value. */
export interface LiveValue {
  readonly path: string;
  readonly value: string;
}

/** null: this kernel has no such key. Of EVERY interface none may be there. Throws HostError. */
export function liveValues(host: Host, path: string): LiveValue[] | null {
  if (!path.includes(EVERY)) {
    const value = host.sysctl(path);
    return value === null ? null : [{ path, value }];
  }
  const [before, after] = path.split(EVERY) as [string, string];
  const names = host.sysctlNames(before);
  if (names === null) return null;
  return names.flatMap((name) => {
    const own = `${before}${name}${after}`;
    // One that went away since has no value.
    const value = SCOPES.includes(name) ? null : host.sysctl(own);
    return value === null ? [] : [{ path: own, value }];
  });
}

/**
 * What the kernel sets beside this key when it becomes `value`, and is so already: it would be otherwise once the key is put back.
 * Of forwarding of all interfaces that of each, and for IPv4 whether redirects are believed (devinet.c, addrconf.c).
 */
export function alreadySo(host: Host, path: string, value: string): LiveValue[] {
  const key = path === 'net/ipv4/ip_forward' ? 'net/ipv4/conf/all/forwarding' : path;
  if (!/^net\/ipv[46]\/conf\/all\/forwarding$/.test(key)) return [];
  const others = ['default', EVERY].flatMap((scope) => liveValues(host, key.replace('all', scope)) ?? []);
  const redirects = key.includes('ipv4') ? (liveValues(host, 'net/ipv4/conf/all/accept_redirects') ?? []) : [];
  return [
    ...others.filter((one) => one.value === value),
    ...redirects.filter((one) => one.value === (value === '1' ? '0' : '1')),
  ];
}

/** For people: `0`, or, where it is not so on each, `1 on eth0, eth1`. `wrong`: those that are not as wanted. */
export function shownValue(
  { path, want }: DesiredSysctl,
  all: readonly LiveValue[],
  wrong: readonly LiveValue[],
): string {
  if (!path.includes(EVERY)) return all[0]?.value ?? '';
  const [first] = wrong;
  if (first === undefined) return 'value' in want ? want.value : '';
  const [before, after] = path.split(EVERY) as [string, string];
  const same = wrong.filter(({ value }) => sameSysctlValue(value, first.value));
  const names = same.map((one) => one.path.slice(before.length, one.path.length - after.length));
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${first.value} on ${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}

/** Whether that value, live or in a file, is as wanted. */
export function satisfies({ want }: DesiredSysctl, actual: string): boolean {
  if ('value' in want) return sameSysctlValue(want.value, actual);
  return actual.trim() !== '' && Number(actual) >= want.atLeast;
}
