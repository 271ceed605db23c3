import { createTwoFilesPatch } from 'diff';
import { differs, inspectAll } from '../resources/converge.ts';
import type { Finding } from '../resources/resource.ts';
import { openContext } from './context.ts';
import type { CommonOptions } from './options.ts';
import { EXIT, paint, print, printJson } from './output.ts';
import { byReason } from './tell.ts';

/** Shows what `apply` would do, and does nothing. Gives the exit status: 2 where something differs. */
export async function plan(options: CommonOptions): Promise<number> {
  const { resources } = await openContext(options);
  const findings = await inspectAll(resources);
  const different = findings.filter(differs);
  if (options.json) {
    printJson({
      differs: different.length > 0,
      findings: await Promise.all(
        findings.map(async (finding) => ({ ...finding, settings: await finding.settings(), diff: diff(finding) })),
      ),
    });
  } else if (!options.quiet) {
    tell(findings);
  }
  return different.length > 0 ? EXIT.changed : EXIT.ok;
}

function tell(findings: readonly Finding[]): void {
  const skipped = findings.filter(({ state }) => state === 'skipped');
  for (const [reason, keys] of byReason(skipped)) print(paint('gray', `– ${keys}: skipped: ${reason}`));
  for (const finding of findings.filter(differs)) {
    if (finding.refusal !== undefined) print(paint('red', `✗ ${finding.key}: ${finding.refusal}`));
    const change = finding.kind === 'value' ? valueChange(finding) : diff(finding);
    if (change !== null) print(change);
  }
  if (!findings.some(differs)) print(`Nothing to do: ${findings.length} as wanted.`);
}

function valueChange({ key, actual, wanted, state }: Finding): string | null {
  return state === 'drifted' ? `${key}: ${actual ?? '(none)'} → ${wanted}` : null;
}

function diff({ kind, key, actual, wanted }: Finding): string | null {
  if (kind !== 'file' || actual === wanted) return null;
  const [from, to] = [actual === null ? '/dev/null' : key, wanted === null ? '/dev/null' : key];
  const patch = createTwoFilesPatch(from, to, actual ?? '', wanted ?? '', undefined, undefined, { context: 3 });
  return patch
    .split('\n')
    .filter((line) => !/^(=+$|Index: )/.test(line))
    .map(paintLine)
    .join('\n')
    .trimEnd();
}

function paintLine(line: string): string {
  if (line.startsWith('---') || line.startsWith('+++')) return paint('bold', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line.startsWith('@@') ? paint('cyan', line) : line;
}
