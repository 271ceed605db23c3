/** Puts the host back as it was before the first apply, hooks first, so that no lease event works on half of it. */
import { ENTER_HOOK, keepsTime } from '../clients/dhcpcd.ts';
import { SERVICE_DROP_IN } from '../clients/networkd-dropin.ts';
import { NETWORK_MANAGER_CONF, tellNetworkManager } from '../clients/networkmanager.ts';
import { sysctlKey } from '../config/sysctl.ts';
import { meansSame, sysctlKind } from '../config/sysctl-kinds.ts';
import { setsOthers, sysctlVariable } from '../config/sysctl-relations.ts';
import { errorMessage } from '../host/errors.ts';
import { EGRESS, RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { removeWithFolder } from './files.ts';
import { Journal, PROVED } from './journal.ts';
import { isMasqueradeLeft } from './masquerade-record.ts';
import { withoutOurs } from './merge.ts';
import { isOurs, type Original, type OriginalFile, Originals, type OriginalValue, recordPath } from './originals.ts';
import type { Outcome } from './resource.ts';
import { hasRecord } from './routes-record.ts';
import { shownText } from './sysctl-live.ts';

/** One outcome for each artifact that Holdfast has touched. What failed stays remembered, to be tried again. */
export async function revert(host: Host): Promise<Outcome[]> {
  const originals = new Originals(host);
  const journal = new Journal(host);
  const damaged = originals.damaged().map(unknownOriginal);
  const egress = host.live && host.lstat(EGRESS) !== null;
  const isAnyLeft = originals.all().length > 0 || hasRecord(host) || isMasqueradeLeft(host) || egress;
  if (!isAnyLeft && !journal.pending()) return damaged;
  return host.exclusively(RUN_FOLDER, async () => {
    // Half a change of DNS is no state to begin from; nor is anything proved of what comes now.
    if (journal.pending()) await journal.putBack();
    host.remove(PROVED);
    // Writing ip_forward resets other keys: what they are is looked at before anything is written.
    const found = originals.all().map((original) => ({ original, seen: currentValue(host, original) }));
    const outcomes: Outcome[] = await withoutRoutes(host);
    for (const { original, seen } of found.sort((a, b) => urgency(b.original) - urgency(a.original))) {
      const outcome = await revertOne(host, original, seen);
      if (outcome.result === 'ok' || outcome.result === 'changed') originals.forget(original);
      outcomes.push(outcome);
    }
    if (isMasqueradeLeft(host)) outcomes.push(await revertMasquerade(host));
    // It writes resolv.conf as soon as it is told, so not before that is as it was.
    if (outcomes.some(({ key, result }) => key === NETWORK_MANAGER_CONF && result === 'changed'))
      tellNetworkManager(host);
    if (egress) outcomes.push(await (await import('./egress-revert.ts')).revertEgress(host));
    return [...outcomes, ...damaged];
  });
}

async function withoutRoutes(host: Host): Promise<Outcome[]> {
  if (!hasRecord(host)) return [];
  try {
    return await (await import('./routes-revert.ts')).revertRoutes(host);
  } catch (error) {
    return [
      { resource: 'revert', key: 'routes', moment: 'now', result: 'failed', actual: null, reason: errorMessage(error) },
    ];
  }
}

function unknownOriginal(record: string): Outcome {
  const reason = 'this record is damaged, so what it was about is left as it is; remove it once you have seen to that';
  return { resource: 'revert', key: record, moment: 'boot', result: 'failed', actual: null, reason };
}

async function revertOne(host: Host, original: Original, seen: string | null): Promise<Outcome> {
  try {
    switch (original.kind) {
      case 'file': {
        const { isReadByNetworkd, revertNetworkdFile } = await import('./networkd-revert.ts');
        if (isReadByNetworkd(original.key))
          return await revertNetworkdFile(host, original, (one) => revertFile(host, one));
        return revertFile(host, original);
      }
      case 'sysctl':
        return revertValue(host, original, seen);
      case 'link':
        return { ...place(original), ...(await (await import('./resolved-revert.ts')).revertLink(host, original)) };
    }
  } catch (error) {
    return { ...place(original), result: 'failed', actual: null, reason: errorMessage(error) };
  }
}

function revertFile(host: Host, original: OriginalFile): Outcome {
  const { key, before, after, link, mode } = original;
  const current = host.readText(key);
  const outcome = place(original);
  if (current === before && host.readLink(key) === link) return { ...outcome, result: 'ok', actual: current };
  if (link !== null) {
    host.replaceLink(key, link);
    return { ...outcome, result: 'changed', actual: host.readText(key), reason: `a symbolic link to ${link} again` };
  }
  const wanted = isOurs(original, current) ? before : withoutOurs(current, before, after);
  if (wanted === undefined) {
    const record = recordPath('file', key);
    const reason = `it was changed by somebody else since, where Holdfast had changed it: left as it is; see to it, then remove ${record}`;
    return { ...outcome, result: 'failed', actual: current, reason };
  }
  if (wanted === null) removeWithFolder(host, key);
  else host.replace(key, wanted, mode, { keepTime: keepsTime(host, key) });
  const actual = host.readText(key);
  return actual === wanted
    ? { ...outcome, result: 'changed', actual }
    : { ...outcome, result: 'failed', actual, reason: 'read back, it is not what was written' };
}

function revertValue(host: Host, original: OriginalValue, seen: string | null): Outcome {
  const { key, before, after, earlier } = original;
  const outcome = place(original);
  if (!host.live)
    return { ...outcome, result: 'skipped', actual: null, reason: 'the running kernel is not that of these files' };
  if (seen === null) return { ...outcome, result: 'ok', actual: null, reason: 'this kernel has no such key any more' };
  const shown = (value: string) => shownText(key, value);
  if (before === '' && sysctlKind(key) === 'address') {
    const reason = 'it was never set before, and the kernel cannot unset it: it stays until the next boot';
    return { ...outcome, result: 'ok', actual: shown(seen), reason };
  }
  const now = host.sysctl(key) ?? '';
  if (meansSame(key, before, now)) return { ...outcome, result: 'ok', actual: shown(now) };
  if (!meansSame(key, after, seen) && !meansSame(key, earlier, seen)) {
    const reason = `it was ${shown(before)}, Holdfast made it ${shown(after)}, somebody else ${shown(seen)} since: left as it is`;
    return { ...outcome, result: 'failed', actual: now, reason };
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
        reason: `wrote ${shown(before)}, the kernel made it ${actual ?? 'vanish'}`,
      };
}

async function revertMasquerade(host: Host): Promise<Outcome> {
  const { KEY, removeTable } = await import('./masquerade-table.ts');
  const outcome = { resource: 'revert', key: KEY, moment: 'now' } as const;
  try {
    return { ...outcome, ...(await removeTable(host)) };
  } catch (error) {
    return { ...outcome, result: 'failed', actual: null, reason: errorMessage(error) };
  }
}

function currentValue(host: Host, original: Original): string | null {
  try {
    return original.kind === 'sysctl' && host.live ? host.sysctl(original.key) : null;
  } catch {
    return null;
  }
}

function urgency({ key }: Original): number {
  // It has systemd-networkd forget what the other files said.
  if (key === SERVICE_DROP_IN) return -1;
  if (/dhclient-(enter|exit)-hooks/.test(key) || key === ENTER_HOOK) return 2;
  return setsOthers(sysctlVariable(key)) ? 1 : 0;
}

function place(original: Original) {
  const key = original.kind === 'sysctl' ? sysctlKey(original.key) : original.key;
  return { resource: 'revert', key, moment: original.kind === 'file' ? 'boot' : 'now' } as const;
}
