/** The output and exit statuses of commands. Results go to stdout; errors go to stderr. */
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { type ConfigError, formatConfigError, visible } from '../../config/config-error.ts';
import { forJournal, isJournal } from '../../host/service/journal.ts';
import type { CommonOptions } from '../common-options.ts';
import { write } from './write-sync.ts';

/** Exit statuses. Those of `apply --detailed-exitcodes` are the same as Puppet's. */
export const EXIT = {
  ok: 0,
  /** Bad usage or configuration: nothing was touched. */
  usage: 1,
  /** `plan`: something differs. `apply --detailed-exitcodes`: something was changed. */
  changed: 2,
  /** `run`: another daemon holds this host already. */
  running: 3,
  failed: 4,
  /** `apply`: nothing was changed yet, because the host waits for its wave. */
  waits: 8,
} as const;

/** A configuration that is not valid, with every error in it. */
export class ConfigFailure extends Error {
  readonly errors: readonly ConfigError[];

  constructor(errors: readonly ConfigError[]) {
    super(errors.map(formatConfigError).join('\n'));
    this.name = 'ConfigFailure';
    this.errors = errors;
  }
}

export function printJson(value: unknown): void {
  write(1, `${JSON.stringify(value, null, 2)}\n`);
}

export function print(line: string): void {
  write(1, `${line}\n`);
}

export function printError(line: string): void {
  write(2, `${isJournal() ? forJournal('error', line) : line}\n`);
}

/** Prints the error that stopped a command, and returns the exit status. */
export function reportFailure(error: unknown, { json = false }: CommonOptions): number {
  const errors = error instanceof ConfigFailure ? error.errors : [];
  const message = error instanceof Error ? error.message : String(error);
  if (json) printJson({ error: { message, errors } });
  else printError(message);
  return error instanceof ConfigFailure ? EXIT.usage : EXIT.failed;
}

/** Prints what is wrong with the operator's command line, and returns the exit status. */
export function reportUsage(message: string, { json = false }: CommonOptions): number {
  if (json) printJson({ error: { message, errors: [] } });
  else printError(message);
  return EXIT.usage;
}

/** Decodes a file's text for people. Files are read as latin1, which loses no byte; valid UTF-8 is shown as UTF-8. */
export function decoded(text: string): string {
  if (/[^\0-\xff]/.test(text)) return text; // it holds characters beyond latin1, so it is decoded already
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

/** Makes a line of a file safe to print: the terminal acts on none of its characters. */
export function shown(line: string): string {
  return decoded(line).split('\t').map(visible).join('\t');
}

/** `3 s`, `5 min`, `2 h`, `4 d`. */
export function ageText(milliseconds: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const;
  const [unit, name] = units.find(([one]) => milliseconds >= 2 * one) ?? [1000, 's'];
  return `${Math.floor(milliseconds / unit)} ${name}`;
}

type Style = Parameters<typeof styleText>[0];

/** Adds colours if stdout is a terminal and NO_COLOR is not set (no-color.org). */
export function paint(style: Style, text: string): string {
  const colourful = !process.env.NO_COLOR && process.env.TERM !== 'dumb' && isatty(1);
  return colourful ? styleText(style, text, { validateStream: false }) : text;
}

/** Makes each column as wide as its longest cell, except the last, which is not padded. Cells may be painted. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  return rows
    .map((row) => {
      const cells = row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - width(cell)));
      return `${indent}${cells.join('  ').trimEnd()}`;
    })
    .join('\n');
}

/** The width on a terminal, where the escape sequences of colours take no room. */
function width(cell: string): number {
  return cell.replace(/\x1b\[[0-9;]*m/g, '').length;
}
