/**
 * The sysctls that the next boot sets, by the rules of sysctl.d(5): the last assignment of a key wins; a pattern sets only
 * what no file names outright or exempts; and udev has the same done for each network interface that comes later.
 */
import type { DesiredSysctl } from '../config/desired.ts';
import { sysctlKey } from '../config/sysctl.ts';
import { shownText } from '../config/sysctl-secrets.ts';
import type { Host } from '../host/host.ts';
import { BootSysctls, isPattern } from '../resources/sysctl-boot.ts';
import { isAssignment, PersistedSysctls } from '../resources/sysctl-files.ts';
import { laterSysctls } from '../resources/sysctl-later.ts';
import { describeWanted, satisfies } from '../resources/sysctl-live.ts';

export interface BootSysctl {
  /** As an operator writes it; a pattern stands for all that it matches, also for interfaces that come later. */
  readonly key: string;
  /** null: no file sets it, so it will be what the kernel makes it. */
  readonly value: string | null;
  /** The file and line that win. */
  readonly file: string | null;
  readonly line: number | null;
  /** null: not configured. */
  readonly wanted: string | null;
  /** false: it is configured, and will be otherwise. */
  readonly ok: boolean;
}

export function bootSysctls(host: Host, desired: readonly DesiredSysctl[]): BootSysctl[] {
  const all = new PersistedSysctls(host).lines();
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
    // A pattern that is not configured stands for itself.
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
