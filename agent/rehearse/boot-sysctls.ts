/**
 * The sysctls that the next boot sets, by the rules of sysctl.d(5). The last assignment of a key wins. A pattern sets
 * only keys that no file names or exempts. udev applies the same rules to each network interface that appears later.
 */
import type { DesiredSysctl } from '../config/desired.ts';
import { sysctlKey } from '../config/notation/sysctl-keys.ts';
import { shownText } from '../config/sysctl/secret-sysctls.ts';
import type { Host } from '../host/host.ts';
import { BootSysctls, isPattern } from '../resources/sysctl/boot/boot.ts';
import { laterSysctls } from '../resources/sysctl/boot/later.ts';
import { isAssignment, PersistedSysctls } from '../resources/sysctl/boot/sysctl-files.ts';
import { describeWanted, satisfies } from '../resources/sysctl/live.ts';

export interface BootSysctl {
  /** The key as operators write it. A pattern stands for all its matches, including interfaces that appear later. */
  readonly key: string;
  /** null if no file sets the key, so the kernel's own value stays. */
  readonly value: string | null;
  /** The file and line that win. */
  readonly file: string | null;
  readonly line: number | null;
  /** null if the key is not configured. */
  readonly wanted: string | null;
  /** false: the key is configured, and the boot will set another value. */
  readonly ok: boolean;
}

export function bootSysctls(host: Host, desired: readonly DesiredSysctl[]): BootSysctl[] {
  const all = new PersistedSysctls(host).now().lines();
  const boot = new BootSysctls(
    all,
    laterSysctls(
      host,
      desired.map(({ path }) => path),
    ),
  );
  const lines = all.filter(isAssignment);
  const settings = new Map(desired.map((setting) => [setting.path, setting]));
  return [...new Set([...lines.map(({ path }) => path), ...settings.keys()])].map((path) => {
    const setting = settings.get(path);
    // A pattern that is not configured is listed as it is.
    const pattern = setting === undefined && isPattern(path);
    const line = lines.findLast((one) => one.path === path);
    const values = pattern ? [] : boot.values(path);
    const found = values.find(({ value }) => setting !== undefined && !satisfies(setting, value)) ?? values.at(-1);
    const by = found?.by ?? (pattern ? line : undefined);
    const value = found?.value ?? (pattern ? line?.value : undefined) ?? null;
    return {
      key: sysctlKey(path),
      value: value === null ? null : shownText(path, value),
      file: by?.file ?? null,
      line: by?.line ?? null,
      wanted: setting === undefined ? null : describeWanted(setting),
      ok: setting === undefined || (found !== undefined && satisfies(setting, found.value)),
    };
  });
}
