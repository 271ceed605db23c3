/** How a kernel value goes back to its value before the first apply. */
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { meansSame, sysctlKind } from '../../config/sysctl/kinds.ts';
import { setsOthers, sysctlVariable } from '../../config/sysctl/relations.ts';
import { shownText } from '../../config/sysctl/secret-sysctls.ts';
import type { OriginalValue } from '../../hold/originals/originals.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Leftover, Undoing } from '../../hold/undoing.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';

export const SYSCTL_UNDOING: Undoing = {
  sysctl: valueLeftover,
  putBackSnapshot: async (...kept) => (await import('./snapshot.ts')).putBackSysctls(...kept),
};

/** Writing ip_forward resets other keys, so all values are read before anything is written. */
function valueLeftover(host: Host, original: OriginalValue): Leftover {
  const seen = host.live ? nullIfRefused(() => host.sysctl(original.key)) : null;
  return {
    key: sysctlKey(original.key),
    moment: 'now',
    turn: setsOthers(sysctlVariable(original.key)) ? 'values that set others' : 'files, values and links',
    original,
    putBack: async () => [revertValue(host, original, seen)],
  };
}

function revertValue(host: Host, original: OriginalValue, seen: string | null): Outcome {
  const { key, before, after, earlier } = original;
  const outcome = { resource: 'revert', key: sysctlKey(key), moment: 'now' } as const;
  if (!host.live) return { ...outcome, result: 'skipped', actual: null, reason: notOfTheseFiles() };
  if (seen === null) return { ...outcome, result: 'ok', actual: null, reason: 'this kernel no longer has this key' };
  const shown = (value: string) => shownText(key, value);
  if (before === '' && sysctlKind(key) === 'address') {
    const reason = 'the key was not set before, and the kernel cannot unset it, so the value stays until the next boot';
    return { ...outcome, result: 'ok', actual: shown(seen), reason };
  }
  const now = host.sysctl(key) ?? '';
  if (meansSame(key, before, now)) return { ...outcome, result: 'ok', actual: shown(now) };
  if (!meansSame(key, after, seen) && !meansSame(key, earlier, seen)) {
    const reason = `the original was ${shown(before)} and Holdfast wrote ${shown(after)}, but another program has since written ${shown(seen)}, so this stays`;
    return { ...outcome, result: 'failed', actual: shown(now), reason };
  }
  host.writeSysctl(key, before);
  const read = host.sysctl(key);
  const actual = read === null ? null : shown(read);
  return read !== null && meansSame(key, before, read)
    ? { ...outcome, result: 'changed', actual }
    : {
        ...outcome,
        result: 'failed',
        actual,
        reason:
          actual === null
            ? `wrote ${shown(before)}; the key disappeared while it was read back`
            : `wrote ${shown(before)}, but the kernel shows ${actual}`,
      };
}
