/**
 * Remembers the files that a running forwarder has read. It reads a file at its start, or when it is told to. Both are remembered with the
 * process, because no program says which file it has read.
 */

import { nullIfRefused } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { Process } from '../../host/process/processes.ts';

const TOLD = `${RUN_FOLDER}/split-told`;

interface ToldProgram {
  readonly pid: number;
  readonly sinceBoot: number;
  readonly file: string;
  /** The text of the file when the process was told to read it; null if the file was gone. */
  readonly text: string | null;
}

/** Whether the process has read the present text of the file, as far as that can be known. */
export function hasRead(host: Host, process: Process, file: string): boolean {
  const told = toldText(host, process, file);
  if (told !== undefined) return told === host.readText(file);
  return changedAfterStart(host, file, process) === null;
}

/** The text that the process was told to read last; undefined if it was told nothing since its start. */
export function toldText(host: Host, { pid, sinceBoot }: Process, file: string): string | null | undefined {
  const found = load(host).find((one) => one.pid === pid && one.sinceBoot === sinceBoot && one.file === file);
  return found?.text;
}

export function noteTold(host: Host, { pid, sinceBoot }: Process, file: string): void {
  const others = load(host).filter((one) => one.file !== file);
  const text = host.readText(file);
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(TOLD, JSON.stringify([...others, { pid, sinceBoot, file, text }]), 0o600);
}

/** Empty if nothing is noted, or if only root may see it. */
function load(host: Host): ToldProgram[] {
  try {
    const found: unknown = JSON.parse(nullIfRefused(() => host.readText(TOLD)) ?? '[]');
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}
