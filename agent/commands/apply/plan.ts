import { createTwoFilesPatch } from 'diff';
import { CLIENTS } from '../../clients/clients.ts';
import { differs, inspectAll, isActionable } from '../../hold/converge.ts';
import { titleOf, traitsOf } from '../../hold/finding-kinds.ts';
import type { Finding } from '../../hold/resource.ts';
import { TRIAL, WAVE } from '../../host/paths.ts';
import type { CommonOptions } from '../common-options.ts';
import { openToHold } from '../context/context.ts';
import { decoded, EXIT, paint, print, printError, printJson, shown } from '../output/output.ts';
import { byReason } from '../output/print-outcomes.ts';
import { onceEach } from '../output/refusal-notes.ts';
import { announceRestarts } from './restart-dhclients.ts';

/** Prints what `apply` would change, and changes nothing. Returns the exit status: 2 if something differs. */
export async function plan(options: CommonOptions): Promise<number> {
  const context = await openToHold(options, { ownNames: true });
  const { host, resources, guard, putBack, daemon, hash } = context;
  const findings = await inspectAll(resources);
  const different = findings.filter(differs);
  const waits =
    host.live && host.lstat(WAVE) !== null
      ? (await import('../../confirm/trial/wave-record.ts')).waitingWave(host, hash)
      : null;
  if (options.json) {
    printJson({
      differs: different.length > 0,
      ...(putBack === null ? {} : { putBack }),
      ...(waits === null ? {} : { waits }),
      findings: await Promise.all(
        findings.map(async (finding) => ({
          ...finding,
          ...(isLine(finding) ? {} : { wanted: text(finding.wanted), actual: text(finding.actual) }),
          settings: await finding.settings(),
          diff: text(diff(finding)?.join('\n') ?? null),
        })),
      ),
    });
  } else if (options.quiet) {
    for (const one of findings)
      if (one.refusal !== undefined) printError(`${shown(titleOf(one))}: ${shown(one.refusal)}`);
  } else {
    tell(findings);
    for (const line of await announceRestarts(context, findings)) print(shown(line));
    const announcement = guard?.announce(findings) ?? null;
    if (announcement !== null) print(shown(announcement));
    if (host.live && host.lstat(TRIAL) !== null) {
      const trial = (await import('../../confirm/trial/trial-record.ts')).visibleTrial(host);
      if (trial !== null) print((await import('../trial-words.ts')).onTrial(trial));
    } else if (daemon.confirm !== null && different.some(isActionable)) {
      const words = await import('../trial-words.ts');
      if (waits !== null) print(words.waitsForWave(waits));
      else if (daemon.confirm.waves !== null && host.live) {
        const { readConfirmed } = await import('../../confirm/trial/confirmed-configuration.ts');
        if (readConfirmed(host)?.hash !== hash) print(words.willAskFirst(daemon.confirm));
      }
      print(words.willBeTried(daemon.confirm));
    }
    if (putBack !== null) print((await import('../trial-words.ts')).heldMeanwhile(putBack));
  }
  return different.length > 0 ? EXIT.changed : EXIT.ok;
}

function tell(findings: readonly Finding[]): void {
  const skipped = findings.filter(({ state }) => state === 'skipped');
  for (const [reason, keys] of byReason(skipped)) print(paint('gray', `– ${keys}: skipped: ${reason}`));
  for (const one of findings) {
    const { state, reason } = one;
    if (state === 'unknown' && reason !== undefined)
      print(paint('yellow', `? ${shown(titleOf(one))}: ${shown(reason)}`));
  }
  // Settings come first: the single line of a setting is easily overlooked below a whole file.
  const different = findings.filter(differs);
  const once = onceEach();
  for (const finding of [...different.filter(isLine), ...different.filter((one) => !isLine(one))]) {
    const title = shown(titleOf(finding));
    if (finding.refusal !== undefined) print(paint('red', `✗ ${title}: ${shown(once(finding.refusal))}`));
    else if (finding.reason !== undefined) print(paint('yellow', `! ${title}: ${shown(finding.reason)}`));
    const change = isLine(finding)
      ? valueChange(finding)
      : shortened(finding, diff(finding))?.map(paintLine).join('\n');
    if (change) print(change);
  }
  if (different.length === 0) print(`Nothing to do: ${findings.length} as wanted.`);
}

function isLine(finding: Finding): boolean {
  return traitsOf(finding).shown === 'line';
}

/** Resources whose files are Holdfast's own scripts. */
const SCRIPTS: readonly string[] = CLIENTS.flatMap(({ resources }) =>
  resources.flatMap(({ name, keepsScripts }) => (keepsScripts ? [name] : [])),
);
const MOST_LINES = 30;

/** Prints a long change of a script as its length; `--json` has every line. */
function shortened({ resource }: Finding, lines: string[] | null): string[] | null {
  if (lines === null || !SCRIPTS.includes(resource) || lines.length <= MOST_LINES) return lines;
  const [added, removed] = ['+', '-'].map((sign) => lines.slice(2).filter((line) => line.startsWith(sign)).length);
  return [
    ...lines.slice(0, 2),
    `@@ Holdfast's own script: ${added} lines added, ${removed} removed (--json shows them) @@`,
  ];
}

/** null also if the value is right, and only its reason is to be told. */
function valueChange(finding: Finding): string | null {
  const { actual, wanted, state } = finding;
  if (state !== 'drifted' || actual === wanted) return null;
  return `${titleOf(finding)}: ${actual ?? '(none)'} → ${wanted ?? '(none)'}`;
}

function text(bytes: string | null): string | null {
  return bytes === null ? null : decoded(bytes);
}

/** Lines of a unified diff; null if nothing differs. */
function diff(finding: Finding): string[] | null {
  const { key, actual, wanted } = finding;
  if (isLine(finding) || actual === wanted) return null;
  const [from, to] = [actual === null ? '/dev/null' : key, wanted === null ? '/dev/null' : key];
  const patch = createTwoFilesPatch(from, to, actual ?? '', wanted ?? '', undefined, undefined, { context: 3 });
  return patch
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(=+$|Index: )/.test(line));
}

function paintLine(raw: string): string {
  const line = shown(raw);
  if (line.startsWith('---') || line.startsWith('+++')) return paint('bold', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line.startsWith('@@') ? paint('cyan', line) : line;
}
