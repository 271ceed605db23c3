import type { ConfiguredState } from '../config/desired.ts';
import { filesWithSecrets, secretsOf } from '../doctor/checks/secrets-check.ts';
import { type Diagnosis, diagnosis, examine, surroundingsOf } from '../doctor/examine.ts';
import { RESOURCE_NAMES } from '../resources/resource-names.ts';
import { tablesWithoutRule, unledReason } from '../resources/routes/led-tables.ts';
import type { CommonOptions } from './common-options.ts';
import { NOT_CONFIGURED, openHost, openToHold } from './context/context.ts';
import { installedPages } from './output/installed-pages.ts';
import { ConfigFailure, EXIT, paint, print, printError, printJson } from './output/output.ts';

/** Milliseconds. The kernel answers within its system calls. */
const ANSWER = 5_000;

/**
 * Explains which other programs act on the configured settings, and changes nothing. Without a valid configuration it
 * inspects everything that could be configured. Returns the exit status: 2 if there is a problem.
 */
export async function doctor(options: CommonOptions): Promise<number> {
  const { host, configured, desired, groups, secrets, errors } = await openLeniently(options);
  const only = options.only ?? RESOURCE_NAMES;
  const unled = desired !== null && host.live ? await unledTables(desired) : [];
  const found = [...errors, ...examine(surroundingsOf(host, desired, groups, { secrets, unled }), only)];
  const sick = found.some(({ severity }) => severity === 'problem');
  if (options.json) printJson({ healthy: !sick, findings: found });
  else if (options.quiet) tellProblems(found);
  else {
    if (!configured) print(`${paint('gray', NOT_CONFIGURED)}\n`);
    tell(found, host.live);
  }
  return sick ? EXIT.changed : EXIT.ok;
}

/** Says nothing if the kernel does not answer. */
async function unledTables({ routes, rules }: ConfiguredState): Promise<string[]> {
  try {
    return (await tablesWithoutRule(routes, rules, AbortSignal.timeout(ANSWER))).map(unledReason);
  } catch {
    return [];
  }
}

/** `configured` is false if the host has no configuration, which is no problem of the host. */
async function openLeniently(options: CommonOptions) {
  try {
    const { host, configured, desired, daemon, files } = await openToHold(options, { optional: true });
    if (!configured) return { host, configured, desired: null, groups: [], secrets: [], errors: [] };
    // --config names a file as the operator sees it; the default file lies in the root.
    const own = options.config === undefined || host.root === '/' ? filesWithSecrets(host, files) : [];
    return {
      host,
      configured,
      desired,
      groups: daemon.expect.groups,
      secrets: [...secretsOf(daemon.report), ...own],
      errors: [],
    };
  } catch (error) {
    if (!(error instanceof ConfigFailure)) throw error;
    const errors = error.message.split('\n').map((seen) => diagnosis({ code: 'HF-CONFIG', seen }));
    return { host: openHost(options), configured: true, desired: null, groups: [], secrets: [], errors };
  }
}

const MARKS = { problem: ['red', '✗'], warning: ['yellow', '!'], note: ['gray', '–'] } as const;

function tell(found: readonly Diagnosis[], live: boolean): void {
  for (const { code, severity, seen, why, remedy } of found) {
    const [colour, mark] = MARKS[severity];
    print(`${paint(colour, `${mark} ${severity} ${code}`)}\n  ${seen}`);
    print(`  ${paint('gray', 'why')} ${installedPages(why)}\n  ${paint('gray', 'do')}  ${installedPages(remedy)}\n`);
  }
  if (!live)
    print(paint('gray', 'The running kernel and its processes were not looked at (use --live to include them).'));
  const count = (severity: Diagnosis['severity']) => found.filter((one) => one.severity === severity).length;
  print(
    `${plural(count('problem'), 'problem')}, ${plural(count('warning'), 'warning')}, ${plural(count('note'), 'note')}.`,
  );
  if (found.length > 0) print(installedPages('docs/doctor.md has a section for each code.'));
}

function tellProblems(found: readonly Diagnosis[]): void {
  for (const { code, severity, seen } of found) {
    if (severity === 'problem') printError(`${code}: ${seen}`);
  }
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
