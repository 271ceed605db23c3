import { resolve } from 'node:path';
import { isNamed, makeProbes } from '../../probes/index.ts';
import { MemoryErrorRecord } from '../../probes/memory-errors/counts-record.ts';
import type { Condition, Occurrence, Probe, Sample } from '../../probes/probe.ts';
import { exposition } from '../../probes/prometheus.ts';
import { type ProbeReport, ProbeRunner, probeSamples } from '../../probes/runner.ts';
import { HostError } from '../host/errors.ts';
import { Host } from '../host/host.ts';
import type { CommonOptions } from './common-options.ts';
import { NOT_CONFIGURED, openContext } from './context/context.ts';
import { EXIT, paint, print, printError, reportUsage, table } from './output/output.ts';
import { write } from './output/write-sync.ts';

export interface ProbeOptions extends CommonOptions {
  /** The probes to read. Empty means all. */
  readonly names: readonly string[];
  readonly prometheus?: boolean;
  /** Name the routes of a difference between a routing daemon and the kernel. */
  readonly list?: boolean;
  /** The file that gets the output, replaced whole; `-` means standard output. */
  readonly output?: string;
}

/** The inventory is not one of the probes: the daemon takes it once a day, in a separate process. */
const INVENTORY = 'inventory';

/** The probe whose readings can be listed route by route. */
const LISTED = 'route-agreement';

/** A report with the events that its probe emitted. */
interface Seen extends ProbeReport {
  readonly events: readonly Occurrence[];
  /** The table to print in place of the samples; null if the probe has none. */
  readonly table: string[][] | null;
}

/**
 * Reads each probe once and prints its readings. Changes nothing. Returns the exit status: 4 if a probe could not see.
 */
export async function probe(options: ProbeOptions): Promise<number> {
  if (options.output === '') return reportUsage('--output has no file name; write a path, or "-" for stdout', options);
  if (options.output !== undefined && !options.prometheus && !options.json)
    return reportUsage('--output needs --prometheus or --json', options);
  if (options.list) {
    if (options.names.join() !== LISTED || options.prometheus || options.output !== undefined)
      return reportUsage(`--list belongs to "agent probe ${LISTED}", with --json at most`, options);
    return (await import('./list-route-differences.ts')).listRouteDifferences(options);
  }
  // Taking the inventory starts programs, so it is taken only if it is the only named probe.
  if (
    options.names.length === 1 &&
    options.names[0] === INVENTORY &&
    !options.prometheus &&
    options.output === undefined
  )
    return (await import('./inventory.ts')).inventory(options);
  const { host, configured, desired, daemon } = await openContext(options, { optional: true });
  const all = makeProbes(host, desired, daemon, { record: new MemoryErrorRecord(), history: true });
  const unknown = options.names.filter((name) => !all.some((one) => isNamed(one.name, name)));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    return reportUsage(
      `no such probe here: ${unknown.join(', ')}. The probes are: ${known}; or inventory, named without others`,
      options,
    );
  }
  const chosen = all.filter(
    ({ name }) => options.names.length === 0 || options.names.some((one) => isNamed(name, one)),
  );
  if (!configured && !options.json && !options.prometheus && !options.quiet) print(paint('gray', NOT_CONFIGURED));
  const seen: Seen[] = [];
  // Probes run one after the other: the measured time of two simultaneous probes would include each other's time.
  for (const one of chosen) seen.push(await look(one));
  if (options.json || options.prometheus) {
    const text = options.json
      ? `${JSON.stringify({ probes: seen.map(toJson) }, null, 2)}\n`
      : exposition(seen.flatMap((one) => [...samplesOf(one), ...probeSamples(one)]));
    try {
      put(text, options.output);
    } catch (error) {
      if (error instanceof HostError) return reportUsage(error.message, options);
      throw error;
    }
  } else tell(seen, options.quiet ?? false);
  return seen.every(({ success }) => success) ? EXIT.ok : EXIT.failed;
}

async function look(one: Probe): Promise<Seen> {
  const events: Occurrence[] = [];
  const runner = new ProbeRunner(one, (event) => events.push(event));
  const report = await runner.read();
  // Closing a probe that hangs may also hang. Its resources end with this process anyway.
  if (report.success || report.partly) await runner.close();
  return { ...report, events, table: (report.success && one.table?.()) || null };
}

/**
 * A reader such as node_exporter sees the whole old text or the whole new one. After a HostError it sees the old text.
 */
function put(text: string, output = '-'): void {
  if (output === '-') write(1, text);
  else new Host().replaceOwn(resolve(output), Buffer.from(text, 'utf8').toString('latin1'), 0o644);
}

function toJson(one: Seen) {
  const { probe: name, success, duration, error, events } = one;
  return { name, success, duration, error, samples: samplesOf(one), conditions: conditionsOf(one), events };
}

function tell(seen: readonly Seen[], quiet: boolean): void {
  for (const one of seen) {
    if (quiet && one.success) continue;
    const line = one.success ? `✓ ${one.probe}` : `✗ ${one.probe}: ${one.error}`;
    if (quiet) {
      printError(line);
      continue;
    }
    print(`${paint(one.success ? 'green' : 'red', line)} ${paint('gray', `(${milliseconds(one.duration)})`)}`);
    const rows =
      one.table ?? samplesOf(one).map(({ metric, attributes, value }) => [metric, describe(attributes), figure(value)]);
    if (rows.length > 0) print(table(rows, '  '));
    for (const { severity, body } of conditionsOf(one)) print(`  ${paint(COLOURS[severity], `! ${body}`)}`);
    tellEvents(one.events);
  }
}

function tellEvents(events: readonly Occurrence[]): void {
  const last = events.slice(-MOST_EVENTS);
  if (last.length < events.length)
    print(paint('gray', `  ${events.length - last.length} earlier events (--json shows them)`));
  for (const { severity, time, body, attributes } of last) {
    print(`  ${paint(COLOURS[severity], `${new Date(time).toISOString()} ${body}`)}`);
    if (attributes.text !== undefined) print(`    ${attributes.source}: ${attributes.text}`);
  }
}

/** The most events of one probe that are printed for people. */
const MOST_EVENTS = 5;

const COLOURS = { info: 'gray', warn: 'yellow', error: 'red' } as const;

function samplesOf({ readings }: ProbeReport): Sample[] {
  return readings.filter((reading): reading is Sample => reading.kind === 'sample');
}

function conditionsOf({ readings }: ProbeReport): Condition[] {
  return readings.filter((reading): reading is Condition => reading.kind === 'condition');
}

function describe(attributes: Sample['attributes']): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function figure(value: number): string {
  return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4)));
}

function milliseconds(seconds: number): string {
  return `${Number((seconds * 1000).toPrecision(2))} ms`;
}
