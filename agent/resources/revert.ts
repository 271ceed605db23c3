/** Puts the host back as before the first apply. The hooks go first, so that no lease event meets a half-reverted host. */
import { dirname, resolve } from 'node:path';
import { ENTER_HOOK, keepsTime } from '../clients/dhcpcd.ts';
import { SERVICE_DROP_IN } from '../clients/networkd-dropin.ts';
import { DISPATCHER, NETWORK_MANAGER_CONF, tellNetworkManager } from '../clients/networkmanager.ts';
import type { DesiredVerify } from '../config/desired.ts';
import { sysctlKey } from '../config/sysctl.ts';
import { meansSame, sysctlKind } from '../config/sysctl-kinds.ts';
import { setsOthers, sysctlVariable } from '../config/sysctl-relations.ts';
import { shownText, withoutSecrets } from '../config/sysctl-secrets.ts';
import { dhclientInstalled } from '../dhclient/installed.ts';
import { isDropped } from '../egress/note.ts';
import { errorMessage } from '../host/errors.ts';
import { EGRESS, RUN_FOLDER } from '../host/folders.ts';
import { type Host, notOfTheseFiles } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { removeWithFolder } from './files.ts';
import { afterHookRuns } from './hook-file.ts';
import { Journal, PROVED } from './journal.ts';
import { isMasqueradeLeft } from './masquerade-record.ts';
import { withoutOurs } from './merge.ts';
import { OF_DNS, RESOURCE_NAMES, type ResourceName } from './names.ts';
import {
  isOurs,
  keyOf,
  type Original,
  type OriginalFile,
  Originals,
  type OriginalValue,
  recordPath,
  resourceOf,
} from './originals.ts';
import type { Outcome } from './resource.ts';
import { hasRecord } from './routes-record.ts';

export interface RevertOptions {
  /** The resources to revert. Artifacts of others stay as they are. */
  readonly only?: readonly ResourceName[] | undefined;
  /** The configured proof; null if the earlier name servers need none. */
  readonly verify?: DesiredVerify | null;
}

/** Returns one outcome for each artifact that Holdfast touched. The record of a failed one stays, so it can be tried again. */
export async function revert(
  host: Host,
  { only = RESOURCE_NAMES, verify = null }: RevertOptions = {},
): Promise<Outcome[]> {
  const originals = new Originals(host);
  const journal = new Journal(host);
  const concerns = (name: string) => only.some((one) => one === name);
  const mine = () => originals.all().filter((original) => concerns(resourceOf(original)));
  const damaged = originals
    .damaged()
    .filter((record) => concerns(resourceOf(keyOf(record))))
    .map(unknownOriginal);
  // Without the hooks nothing would bring back a deleted default route, so it is put back first.
  const egress =
    host.live && host.lstat(EGRESS) !== null && (concerns('egress') || (concerns('hooks') && isDropped(host)));
  const routes = concerns('routes') && hasRecord(host);
  const masquerade = concerns('masquerade') && isMasqueradeLeft(host);
  const ofDns = only.some((name) => OF_DNS.includes(name));
  const unfinished = ofDns && journal.pending();
  if (mine().length === 0 && !routes && !masquerade && !egress && !unfinished) return damaged;
  return host.exclusively(RUN_FOLDER, async () => {
    // An unfinished change of DNS is put back first. The earlier proof no longer counts.
    if (unfinished) await journal.putBack();
    // Writing ip_forward resets other keys, so all values are read before anything is written.
    const found = mine().map((original) => ({ original, seen: currentValue(host, original) }));
    const objection = await objectionOf(
      host,
      found.map(({ original }) => original),
      verify,
    );
    if (ofDns && objection === null) host.remove(PROVED);
    const outcomes: Outcome[] = routes ? await withoutRoutes(host) : [];
    for (const { original, seen } of found.sort((a, b) => urgency(b.original) - urgency(a.original))) {
      const isRefused = objection !== null && OF_DNS.includes(resourceOf(original));
      const outcome = isRefused
        ? leftAsItIs(original, objection)
        : originals.isForeign(original) && isBefore(original)
          ? leftAsItIs(original, foreign(original))
          : withoutValues(await revertOne(host, original, seen));
      if (outcome.result === 'ok' || outcome.result === 'changed') originals.forget(original);
      outcomes.push(outcome);
    }
    if (masquerade) outcomes.push(await revertMasquerade(host));
    // The program writes resolv.conf as soon as it is signalled, so resolv.conf is put back before.
    if (outcomes.some(({ key, result }) => key === NETWORK_MANAGER_CONF && result === 'changed'))
      tellNetworkManager(host);
    if (egress) outcomes.push(await (await import('./egress-revert.ts')).revertEgress(host));
    return [...outcomes, ...damaged];
  });
}

/** Why DNS is not put back; null if it may be. */
async function objectionOf(
  host: Host,
  found: readonly Original[],
  verify: DesiredVerify | null,
): Promise<string | null> {
  if (verify === null || !host.live || !found.some((original) => OF_DNS.includes(resourceOf(original)))) return null;
  return (await import('./revert-dns.ts')).objection(host, found, verify);
}

function leftAsItIs(original: Original, reason: string): Outcome {
  return { ...place(original), result: 'failed', actual: null, reason };
}

/** Whether an original would come back. Files that Holdfast made are removed on every machine. */
function isBefore(original: Original): boolean {
  return original.kind !== 'link' && !(original.kind === 'file' && original.before === null && original.link === null);
}

function nowhere(key: string, link: string): string {
  return `the original was a symbolic link to ${link}, which does not exist now, so the file stays as it is; put it right by hand, then remove ${recordPath('file', key)}`;
}

function foreign({ kind, key }: Original): string {
  return `the original belongs to another machine, from which this one was copied, so this stays as it is; put it right by hand, then remove ${recordPath(kind, key)}`;
}

async function withoutRoutes(host: Host): Promise<Outcome[]> {
  try {
    return await (await import('./routes-revert.ts')).revertRoutes(host);
  } catch (error) {
    return [
      { resource: 'revert', key: 'routes', moment: 'now', result: 'failed', actual: null, reason: errorMessage(error) },
    ];
  }
}

function unknownOriginal(record: string): Outcome {
  const reason =
    'this record is damaged, so its artifact stays as it is; put the artifact right by hand, then remove the record';
  return { resource: 'revert', key: record, moment: 'boot', result: 'failed', actual: null, reason };
}

/** A file of sysctl.d may hold secrets. */
function withoutValues(outcome: Outcome): Outcome {
  return { ...outcome, actual: outcome.actual === null ? null : withoutSecrets(outcome.actual) };
}

async function revertOne(host: Host, original: Original, seen: string | null): Promise<Outcome> {
  try {
    switch (original.kind) {
      case 'file': {
        const { isReadByNetworkd, revertNetworkdFile } = await import('./networkd-revert.ts');
        if (isReadByNetworkd(original.key))
          return await revertNetworkdFile(host, original, (one) => revertFile(host, one));
        const outcome = await revertFile(host, original);
        return isHook(original) ? await afterHookRuns(host, outcome) : outcome;
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

/** Resources whose files dhclient or its script reads. */
const DHCLIENTS: readonly string[] = ['dhclient', 'hooks'] satisfies ResourceName[];

async function revertFile(host: Host, original: OriginalFile): Promise<Outcome> {
  const { key, before, after, link, mode } = original;
  const current = host.readTextUnlessAstray(key);
  const outcome = place(original);
  const linkNow = host.readLink(key);
  if (current === before && linkNow === link) return { ...outcome, result: 'ok', actual: current };
  const changedSince = (): Outcome => {
    const reason = `another program or a person has since changed the lines that Holdfast had changed, so the file stays as it is; put it right by hand, then remove ${recordPath('file', key)}`;
    return { ...outcome, result: 'failed', actual: current, reason };
  };
  if (linkNow !== null && linkNow !== link) return changedSince();
  if (link !== null) {
    // The link would hide later changes of the file.
    if (linkNow === null && current !== null && !isOurs(original, current)) return changedSince();
    // The link's target is gone, so with the link the host would have no such file at all.
    if (linkNow === null && current !== null && before !== null && host.stat(resolve(dirname(key), link)) === null)
      return leftAsItIs(original, nowhere(key, link));
    if (linkNow === null) host.replaceLink(key, link);
    return {
      ...outcome,
      result: 'changed',
      // The link is there, wherever it leads.
      actual: host.readTextUnlessAstray(key) ?? '',
      reason: `a symbolic link to ${link} again`,
    };
  }
  if (current === null && before !== null && host.stat(dirname(key)) === null) {
    // dhclient is still here, and will miss the operator's own file at its next start.
    const isMissed = host.live && DHCLIENTS.includes(resourceOf(original)) && dhclientInstalled(host);
    if (isMissed) host.makeFolder(dirname(key), 0o755);
    else
      return { ...outcome, result: 'ok', actual: null, reason: 'the folder of this file is gone, so nothing reads it' };
  }
  const merged = isOurs(original, current) ? before : withoutOurs(current, before, after);
  if (merged === undefined) return changedSince();
  const { text: wanted, note } =
    key === RESOLV_CONF && merged !== null
      ? (await import('./revert-dns.ts')).asLeased(host, merged, after)
      : { text: merged, note: null };
  if (wanted === null) removeWithFolder(host, key);
  else host.replace(key, wanted, mode, { keepTime: keepsTime(host, key) });
  const actual = host.readText(key);
  return actual === wanted
    ? { ...outcome, result: 'changed', actual, ...(note === null ? {} : { reason: note }) }
    : { ...outcome, result: 'failed', actual, reason: 'read back after the change, the file is not what was written' };
}

function revertValue(host: Host, original: OriginalValue, seen: string | null): Outcome {
  const { key, before, after, earlier } = original;
  const outcome = place(original);
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

function urgency(original: Original): number {
  // This makes systemd-networkd forget the other files' values.
  if (original.key === SERVICE_DROP_IN) return -1;
  if (isHook(original)) return 2;
  return setsOthers(sysctlVariable(original.key)) ? 1 : 0;
}

function isHook({ key }: Original): boolean {
  return /dhclient-(enter|exit)-hooks/.test(key) || key === ENTER_HOOK || key === DISPATCHER;
}

function place(original: Original) {
  const key = original.kind === 'sysctl' ? sysctlKey(original.key) : original.key;
  return { resource: 'revert', key, moment: original.kind === 'file' ? 'boot' : 'now' } as const;
}
