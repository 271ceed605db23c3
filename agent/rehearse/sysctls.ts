/**
 * The sysctls that the next boot sets, by the rules of sysctl.d(5): the last assignment of a key wins; a pattern sets only
 * what no file names outright or exempts; and udev has the same done for each network interface that comes later.
 */
import { matchesGlob } from 'node:path';
import type { DesiredSysctl } from '../config/desired.ts';
import { sysctlKey } from '../config/sysctl.ts';
import type { Host } from '../host/host.ts';
import { type Assignment, exemptSysctls, persistedSysctls } from '../resources/sysctl-files.ts';
import { satisfies } from '../resources/sysctl-live.ts';

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
  const all = persistedSysctls(host);
  const exempt = exemptSysctls(host);
  const settings = new Map(desired.map((setting) => [setting.path, setting]));
  return [...new Set([...all.map(({ path }) => path), ...settings.keys()])].map((path) => {
    const found = winner(all, exempt, path);
    const setting = settings.get(path);
    const ok = setting === undefined || (found !== undefined && satisfies(setting, found.value));
    return {
      key: sysctlKey(path),
      value: found?.value ?? null,
      file: found?.file ?? null,
      line: found?.line ?? null,
      wanted:
        setting === undefined
          ? null
          : 'value' in setting.want
            ? setting.want.value
            : `at least ${setting.want.atLeast}`,
      ok,
    };
  });
}

function winner(all: readonly Assignment[], exempt: ReadonlySet<string>, path: string): Assignment | undefined {
  const own = all.findLast((one) => one.path === path);
  if (own !== undefined || exempt.has(path)) return own;
  return all.findLast((one) => /[*?[]/.test(one.path) && matchesGlob(path, one.path));
}
