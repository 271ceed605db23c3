/** The values of the kernel that a change of sysctls may touch, and how exactly these come back. */
import type { DesiredSysctl } from '../../config/desired.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { meansSame, sysctlKind } from '../../config/sysctl/kinds.ts';
import { setsOthers, sysctlDependents, sysctlVariable } from '../../config/sysctl/relations.ts';
import { putBackRecord, readRecord } from '../../hold/originals/disk-or-memory.ts';
import { Originals, recordPath } from '../../hold/originals/originals.ts';
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

/** The values that this process has put back: a later snapshot of the same journal comes first, and is no other program. */
const putBackBefore = new WeakMap<Host, Map<string, string>>();

/**
 * Values that set others are written first, and each value is read back. A key that is gone has no value. A value that
 * another program has written since stays. After a boot (`kernel` is false) all are written: systemd-sysctl has read
 * the file of the change by then. Returns what is not as before; null if all is.
 */
export function putBackSysctls(host: Host, snapshot: unknown, kernel: boolean): string | null {
  const kept = snapshot as readonly KeptValue[];
  const ours = putBackBefore.get(host) ?? new Map<string, string>();
  putBackBefore.set(host, ours);
  // Writing one value may change others, so all are read before.
  const others = new Set(kernel ? kept.filter((one) => isOfOther(host, one, ours)) : []);
  const own = kept.filter((one) => !others.has(one));
  const first = own.filter(({ path }) => setsOthers(sysctlVariable(path)));
  const problems = [...first, ...own].flatMap((one) => write(host, one));
  for (const { path, value, record } of own) {
    ours.set(path, value);
    putBackRecord(host, recordPath('sysctl', path), record);
  }
  const stays = [...others].map(({ path }) => `${sysctlKey(path)} stays, because another program has written it since`);
  const all = [...new Set([...problems, ...stays])];
  return all.length === 0 ? null : all.join('; ');
}

/** Whether the value is neither the kept one nor ours. Without a record nobody knows what the change made of it. */
function isOfOther(host: Host, { path, value }: KeptValue, ours: ReadonlyMap<string, string>): boolean {
  const now = nullIfRefused(() => host.sysctl(path));
  const written = nullIfRefused(() => new Originals(host).find('sysctl', path));
  if (now === null || written === null) return false;
  return ![value, written.after, written.earlier, ours.get(path)].some(
    (known) => known !== undefined && meansSame(path, known, now),
  );
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
