/**
 * The last apply that found all right, with all that it saw of the host and of the configuration (recorded-looks.ts). An
 * apply to which the host shows the same would come to the same result, so it need not compute the result again. Every
 * file is read and every question to the kernel is asked, as in any other apply.
 */
import { resolve } from 'node:path';
import { asciiJson } from '../../config/ascii.ts';
import { nullIfRefused } from '../../host/errors.ts';
import { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { bootTime } from '../../host/process/processes.ts';
import { type LookRecord, recordedLooks } from '../../host/recorded-looks.ts';
import { areAnsweredSame } from '../../host/same-looks.ts';
import { BUILD } from '../context/version.ts';
import type { ApplyOptions } from './apply-options.ts';
import type { Applied } from './tell-applied.ts';

/** Only root may write there. Gone after a reboot. */
const FILE = `${RUN_FOLDER}/seen`;
/** Milliseconds by which two readings of the clocks may differ, although nobody set the clock. */
const SLACK = 50;

interface KnownApply extends Applied, LookRecord {
  readonly question: string;
  /** Milliseconds since the epoch, by the clock of then: file times and starts of processes are compared by it. */
  readonly boot: number;
}

/** Whether this apply is by root on the running host, so that its result can be kept for the next apply. */
export function isKept({ root, live }: ApplyOptions): boolean {
  return BUILD !== null && root === undefined && live === undefined && process.geteuid?.() === 0;
}

/**
 * null if any answer of the host or of the configuration's files is not what it was. Never throws: without a record, or
 * with a damaged one, the apply compares.
 */
export async function knownApply(options: ApplyOptions): Promise<Applied | null> {
  if (!isKept(options)) return null;
  try {
    const known = JSON.parse(new Host().readText(FILE) ?? 'null') as KnownApply | null;
    if (known === null || known.question !== questionOf(options)) return null;
    if (Math.abs(known.boot - bootByClocks()) > SLACK || (known.end !== null && known.end <= Date.now())) return null;
    return (await areAnsweredSame(known.looks)) ? known : null;
  } catch {
    return null;
  }
}

/** Keeps the apply if all that it depended on was recorded. Call this last. */
export function keepApply(options: ApplyOptions, applied: Applied): void {
  const record = recordedLooks();
  const isRight = applied.outcomes.every(({ result }) => result === 'ok' || result === 'skipped');
  if (record === null || !isRight) return;
  const known: KnownApply = { question: questionOf(options), boot: bootByClocks(), ...applied, ...record };
  const host = new Host();
  nullIfRefused(() => {
    host.makeFolder(RUN_FOLDER, 0o755);
    host.replaceOwn(FILE, asciiJson(known), 0o600);
  });
}

/** Everything that decides about the result beside the looks. The configuration itself is among the looks. */
function questionOf({ config, only, boot, confirm }: ApplyOptions): string {
  return JSON.stringify([BUILD, config && resolve(config), only, boot, confirm]);
}

/** On a busy machine another process may run between the readings of the two clocks, which makes the result too early. */
function bootByClocks(): number {
  return Math.max(bootTime(), bootTime(), bootTime());
}
