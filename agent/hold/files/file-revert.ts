/** How a file goes back to its state before the first apply. */
import { dirname, resolve } from 'node:path';
import type { Host } from '../../host/host.ts';
import { isOurs, type OriginalFile, recordPath } from '../originals/originals.ts';
import type { Outcome } from '../resource.ts';
import type { Leftover, Turn } from '../undoing.ts';
import { removeWithFolder, writeFile } from './apply-file.ts';

/** Makes the text to write now from the original text, with a note for people, or null if there is no note. */
type Adapt = (before: string) => { readonly text: string; readonly note: string | null };

interface Ways {
  readonly adapt: Adapt;
  /** Whether a program of this host reads the file although its folder is gone. */
  readonly isMissed: () => boolean;
  /** Whether the file keeps its modification time. */
  readonly keepTime: boolean;
}

const AS_BEFORE: Ways = { adapt: (text) => ({ text, note: null }), isMissed: () => false, keepTime: false };

export function fileLeftover(
  host: Host,
  original: OriginalFile,
  { turn = 'files, values and links', ...ways }: Partial<Ways> & { turn?: Turn } = {},
): Leftover {
  const putBack = async () => [await revertFile(host, original, { ...AS_BEFORE, ...ways })];
  return { key: original.key, moment: 'boot', turn, original, putBack };
}

async function revertFile(host: Host, original: OriginalFile, { adapt, isMissed, keepTime }: Ways): Promise<Outcome> {
  const { key, before, after, link, mode } = original;
  const current = host.readTextUnlessAstray(key);
  const outcome = { resource: 'revert', key, moment: 'boot' } as const;
  const linkNow = host.readLink(key);
  if (current === before && linkNow === link) return { ...outcome, result: 'ok', actual: current };
  const changedSince = (): Outcome => {
    const reason = `another program or a person has since changed the lines that Holdfast had changed, so the file stays as it is; put it right by hand, then remove ${recordPath('file', key)}`;
    return { ...outcome, result: 'failed', actual: current, reason };
  };
  if (linkNow !== null && linkNow !== link) {
    // Somebody put a link here after us. If our text is gone, nothing of ours is left to put back.
    if (current !== null && current !== before && isOurs(original, current)) return changedSince();
    const reason = `a symbolic link to ${linkNow}, which was made after Holdfast's file, so the link stays`;
    return { ...outcome, result: 'ok', actual: current, reason };
  }
  if (link !== null) {
    // The link would hide later changes of the file.
    if (linkNow === null && current !== null && !isOurs(original, current)) return changedSince();
    // The link's target is gone, so a restored link would leave the host without any such file.
    if (linkNow === null && current !== null && before !== null && host.stat(resolve(dirname(key), link)) === null)
      return { ...outcome, result: 'failed', actual: null, reason: nowhere(key, link) };
    if (linkNow === null) host.replaceLink(key, link);
    return {
      ...outcome,
      result: 'changed',
      // The link exists, whatever its target is.
      actual: host.readTextUnlessAstray(key) ?? '',
      reason: `a symbolic link to ${link} again`,
    };
  }
  if (current === null && before !== null && host.stat(dirname(key)) === null) {
    if (isMissed()) host.makeFolder(dirname(key), 0o755);
    else
      return { ...outcome, result: 'ok', actual: null, reason: 'the folder of this file is gone, so nothing reads it' };
  }
  const merged = isOurs(original, current)
    ? before
    : (await import('../originals/later-edits.ts')).withoutOurs(current, before, after);
  if (merged === undefined) return changedSince();
  const { text: wanted, note } = merged === null ? { text: null, note: null } : adapt(merged);
  if (wanted === null) removeWithFolder(host, key);
  else writeFile(host, key, wanted, { mode, keepTime });
  const actual = host.readText(key);
  return actual === wanted
    ? { ...outcome, result: 'changed', actual, ...(note === null ? {} : { reason: note }) }
    : { ...outcome, result: 'failed', actual, reason: 'read back after the change, the file is not what was written' };
}

function nowhere(key: string, link: string): string {
  return `the original was a symbolic link to ${link}, which does not exist now, so the file stays as it is; put it right by hand, then remove ${recordPath('file', key)}`;
}
