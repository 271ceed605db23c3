/** The undoing of a hook: waits for scripts that had begun with the hook. */
import { fileLeftover } from '../hold/files/file-revert.ts';
import type { OriginalFile } from '../hold/originals/originals.ts';
import type { Leftover } from '../hold/undoing.ts';
import type { Host } from '../host/host.ts';
import { afterHookRuns } from './hook-file.ts';

/** `scripts`: the scripts that source the hook, or are the hook. */
export function hookLeftover(
  host: Host,
  original: OriginalFile,
  scripts: readonly string[],
  ways: { isMissed?: () => boolean } = {},
): Leftover {
  const leftover = fileLeftover(host, original, { ...ways, turn: 'hooks' });
  const putBack = async () => {
    const outcomes = await leftover.putBack();
    return Promise.all(outcomes.map((outcome) => afterHookRuns(host, outcome, scripts)));
  };
  return { ...leftover, putBack };
}
