/** The values of the kernel that a change of sysctls may touch, and how exactly these come back. */
import type { DesiredSysctl } from '../../config/desired.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { meansSame, sysctlKind } from '../../config/sysctl/kinds.ts';
import { setsOthers, sysctlDependents, sysctlVariable } from '../../config/sysctl/relations.ts';
import { putBackRecord, readRecord } from '../../hold/originals/disk-or-memory.ts';
import { recordPath } from '../../hold/originals/originals.ts';
import { errorMessage, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { liveValues } from './live.ts';

interface KeptValue {
  readonly path: string;
  readonly value: string;
  /** The record for `revert` at that time (originals.ts), as text. */
  readonly record: string | null;
}

/** The values of these settings, and all values that the kernel writes together with them. */
export function sysctlSnapshot(host: Host, settings: readonly DesiredSysctl[]): readonly KeptValue[] {
  const own = settings.flatMap(({ path }) => nullIfRefused(() => liveValues(host, path)) ?? []);
  const beside = own.flatMap(({ path }) =>
    sysctlDependents(sysctlVariable(path)).flatMap((one) => nullIfRefused(() => liveValues(host, one)) ?? []),
  );
  const values = new Map([...beside, ...own].map(({ path, value }) => [path, value]));
  return [...values].map(([path, value]) => ({ path, value, record: readRecord(host, recordPath('sysctl', path)) }));
}

/**
 * Values that set others are written first, and each value is read back. A key that is gone has no value. Values are also
 * written after a boot: systemd-sysctl has read the file of the change by then.
 */
export function putBackSysctls(host: Host, snapshot: unknown): string | null {
  const kept = snapshot as readonly KeptValue[];
  const first = kept.filter(({ path }) => setsOthers(sysctlVariable(path)));
  const problems = [...first, ...kept].flatMap((one) => write(host, one));
  for (const { path, record } of kept) putBackRecord(host, recordPath('sysctl', path), record);
  return problems.length === 0 ? null : [...new Set(problems)].join('; ');
}

function write(host: Host, { path, value }: KeptValue): string[] {
  const now = nullIfRefused(() => host.sysctl(path));
  // The kernel cannot unset an address that was never set.
  const unset = value === '' && sysctlKind(path) === 'address';
  if (now === null || unset || meansSame(path, value, now)) return [];
  try {
    host.writeSysctl(path, value);
    const read = host.sysctl(path);
    return read === null || meansSame(path, value, read) ? [] : [`${sysctlKey(path)} does not stay as it was`];
  } catch (error) {
    return [`${sysctlKey(path)}: ${errorMessage(error)}`];
  }
}
