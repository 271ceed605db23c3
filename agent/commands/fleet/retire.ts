/** `agent retire ADDRESS`: whether an address may be switched off, by what the collector knows of the whole fleet. */
import type { HostDependence, RetireAnswer } from '../../collector/api.ts';
import { checkRetired } from '../../config/notation/addresses.ts';
import { errorMessage } from '../../host/errors.ts';
import { ageText, EXIT, paint, print, printError, printJson, reportUsage, shown, table } from '../output/output.ts';
import { type AskCollectorOptions, CollectorApi, CollectorRefusal } from './ask-collector.ts';

export interface RetireOptions extends AskCollectorOptions {
  readonly address: string;
}

/** `agent retire` fits a pipeline: only `safe` is success. */
const STATUS = { safe: EXIT.ok, 'not-safe': EXIT.changed, unknown: EXIT.failed } as const;
const STYLE = { safe: 'green', 'not-safe': 'red', unknown: 'yellow' } as const;
/** The most hosts in the answer, and hosts of each kind that are printed. */
const MOST = 10_000;
const PRINTED = 50;

export async function retire({ address: text, ...options }: RetireOptions): Promise<number> {
  // Zones differ from host to host.
  const checked = checkRetired(text.replace(/(?<=.)%.+$/s, ''));
  if ('problem' in checked) return reportUsage(`agent retire: ${checked.problem}`, options);
  const address = checked.value;
  const api = await CollectorApi.open(options);
  const path = `/api/v1/retire?address=${encodeURIComponent(address)}&limit=${MOST}`;
  try {
    const answer = await api.ask<RetireAnswer>('GET', path);
    const status = STATUS[answer.verdict];
    if (status === undefined) throw new Error(`${api.endpoint} gave no verdict that this agent knows`);
    // A proxy may keep answers, whatever was asked.
    if (answer.address !== address)
      throw new Error(`${api.endpoint} answered about another address (${shown(String(answer.address))})`);
    if (options.json) printJson(answer);
    else if (options.quiet) {
      if (status !== EXIT.ok) printError(shown(answer.sentence));
    } else printVerdict(answer);
    return status;
  } catch (error) {
    if (error instanceof CollectorRefusal && error.status === 400) return reportUsage(error.message, options);
    throw new Error(`Unknown whether ${address} may be switched off: ${errorMessage(error)}`, { cause: error });
  }
}

function printVerdict({ verdict, sentence, dependents, unseen }: RetireAnswer): void {
  print(paint(['bold', STYLE[verdict]], shown(sentence)));
  if (dependents.total > 0) {
    print('');
    for (const { name, standing, seen, dependences } of dependents.hosts.slice(0, PRINTED)) {
      const silent = standing === 'reports' ? '' : paint('yellow', ` (${standing}, last seen ${ago(seen)})`);
      print(`${paint('bold', shown(name))}${silent}`);
      for (const one of dependences) printDependence(one);
    }
    more(dependents.total);
  }
  if (unseen.total > 0) {
    print(`\n${paint('bold', 'Not seen:')}`);
    const rows = unseen.hosts.slice(0, PRINTED).map(({ name, reasons }) => [shown(name), shown(reasons.join(' '))]);
    print(table(rows, '  '));
    more(unseen.total);
  }
}

function printDependence({ tense, who, where, reason, cure }: HostDependence): void {
  const place = [who, where].filter((part) => part !== '').join(', ');
  print(table([[paint('yellow', tense.padEnd(6)), shown(place)]], '  '));
  print(`          ${shown(reason)}`);
  if (cure !== '') print(`          ${paint('green', '→')} ${shown(cure)}`);
}

function more(total: number): void {
  if (total > PRINTED) print(`  and ${total - PRINTED} more hosts: --json has them`);
}

function ago(time: number): string {
  return time > 0 ? `${ageText(Math.max(0, Date.now() - time))} ago` : 'never';
}
