/**
 * The note that Holdfast has made rules. The rules themselves are told by their protocol, so the note lists none: it saves an
 * agent without rules the question. It is in /run, because a reboot removes both, and is written before a rule is made.
 */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';

const RECORD = `${RUN_FOLDER}/rules`;

export function hasRuleRecord(host: Host): boolean {
  return host.lstat(RECORD) !== null;
}

export function rememberRules(host: Host): void {
  if (hasRuleRecord(host)) return;
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RECORD, 'rules of protocol 72 were made\n', 0o644);
}

export function removeRuleRecord(host: Host): void {
  host.remove(RECORD);
}

/**
 * Removes the note when no rule of ours is wanted or left. If another apply is running, the next look does this. Without the
 * right to write, the note stays.
 */
export async function pruneRuleRecord(host: Host): Promise<void> {
  if (!hasRuleRecord(host)) return;
  try {
    await host.exclusively(RUN_FOLDER, async () => removeRuleRecord(host), 0);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}
