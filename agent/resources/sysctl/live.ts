/**
 * Kernel settings in the running kernel. A setting has one value, or one value for every interface, and is read and
 * written as a whole.
 */
import type { DesiredSysctl } from '../../config/desired.ts';
import { EVERY } from '../../config/notation/sysctl-keys.ts';
import { meansSame, sysctlKind, sysctlNumber } from '../../config/sysctl/kinds.ts';
import { sysctlDependents, sysctlSources, sysctlVariable } from '../../config/sysctl/relations.ts';
import { isSecretSysctl, OTHER_SECRET, SECRET, shownText } from '../../config/sysctl/secret-sysctls.ts';
import { errorCode, HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

const MOST_NAMED = 6;
const SCOPES = ['all', 'default', 'lo'];

/** One path of /proc/sys with its value. */
export interface LiveValue {
  readonly path: string;
  readonly value: string;
}

/** null if this kernel has no such key. For EVERY interface the list may be empty. Throws HostError. */
export function liveValues(host: Host, path: string): LiveValue[] | null {
  if (!path.includes(EVERY)) {
    const value = readValue(host, path);
    return value === null ? null : [{ path, value }];
  }
  const [before, after] = path.split(EVERY) as [string, string];
  const names = host.sysctlNames(before);
  if (names === null) return null;
  return names.flatMap((name) => {
    const own = `${before}${name}${after}`;
    // An interface that has disappeared since has no value.
    const value = SCOPES.includes(name) ? null : readValue(host, own);
    return value === null ? [] : [{ path: own, value }];
  });
}

/** An address that was never set cannot be read (EIO), and counts as empty. */
function readValue(host: Host, path: string): string | null {
  try {
    return host.sysctl(path);
  } catch (error) {
    if (errorCode(error) === 'EIO' && sysctlKind(path) === 'address') return '';
    const mode = nullIfRefused(() => host.sysctlMode(path));
    if (mode === null || (mode & 0o444) !== 0) throw error;
    throw new HostError('EACCES', `/proc/sys/${path} is a command: the kernel carries it out, and holds no value`);
  }
}

/** Why a different value cannot be written; null if it may be tried. */
export function unwritable(host: Host, values: readonly LiveValue[]): string | null {
  const shown = values.find(({ path }) => ((nullIfRefused(() => host.sysctlMode(path)) ?? 0o200) & 0o222) === 0);
  return shown === undefined ? null : `/proc/sys/${shown.path} is read-only on this host`;
}

/**
 * The values that the kernel changes when `written` is written to a path, and that do not go back together with the
 * path. Save them before the write. `after`: the value that the write gives each of them.
 */
export function changedBeside(
  host: Host,
  { path, written }: { path: string; written: string },
  wanted: readonly DesiredSysctl[],
): (LiveValue & { readonly after: string })[] {
  const variable = sysctlVariable(path);
  const before = nullIfRefused(() => host.sysctl(path));
  // A value under the same name that equals the path's old value goes back with the path.
  const goesBack = (one: LiveValue) => nameOf(one.path) === nameOf(variable) && one.value === before;
  return sysctlDependents(variable)
    .flatMap((one) => nullIfRefused(() => liveValues(host, one)) ?? [])
    .filter((one) => !goesBack(one) || wanted.some((setting) => setting.path === one.path))
    .map((one) => {
      const source = sysctlSources(one.path).find(({ of }) => of === variable);
      return { ...one, after: source?.value(written) ?? written };
    });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** For people: `0`, or `1 on eth0, eth1` if the interfaces differ. `wrong`: the values that are not as wanted. */
export function shownValue(
  { path, want }: DesiredSysctl,
  all: readonly LiveValue[],
  wrong: readonly LiveValue[],
): string {
  if (isSecretSysctl(path)) return (all[0]?.value ?? '') === '' ? '' : wrong.length > 0 ? OTHER_SECRET : SECRET;
  if (!path.includes(EVERY)) return all[0]?.value ?? '';
  const [first] = wrong;
  if (first === undefined) return 'value' in want ? want.value : '';
  const [before, after] = path.split(EVERY) as [string, string];
  const same = wrong.filter((one) => meansSame(one.path, first.value, one.value));
  const names = same.map((one) => one.path.slice(before.length, one.path.length - after.length));
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${first.value} on ${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}

/** Whether this value, live or in a file, is as wanted. */
export function satisfies({ path, want }: DesiredSysctl, actual: string): boolean {
  if ('value' in want) return meansSame(path, want.value, actual);
  return sysctlNumber(actual) >= want.atLeast;
}

export function isLive(host: Host, setting: DesiredSysctl): boolean {
  const values = nullIfRefused(() => liveValues(host, setting.path));
  return values?.every(({ value }) => satisfies(setting, value)) ?? false;
}

export function wantedValue({ want }: DesiredSysctl): string {
  return 'value' in want ? want.value : String(want.atLeast);
}

/** For people. */
export function describeWanted(setting: DesiredSysctl): string {
  return 'value' in setting.want ? shownText(setting.path, setting.want.value) : `at least ${setting.want.atLeast}`;
}

/** The setting of the configuration. */
export function settingName({ setting, key }: DesiredSysctl): string {
  return setting ?? `sysctl.${key}`;
}
