/** What commands print and exit with. Results go to stdout; what went wrong goes to stderr. */
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { type ConfigError, formatConfigError, visible } from '../config/errors.ts';
import { forJournal, isJournal } from '../host/journal.ts';
import type { CommonOptions } from './options.ts';
import { write } from './write.ts';

/** Exit statuses, as Puppet's --detailed-exitcodes has them where they meet. */
export const EXIT = {
  ok: 0,
  /** Bad usage or configuration: nothing was touched. */
  usage: 1,
  /** `plan`: something differs. `apply --detailed-exitcodes`: something was changed. */
  changed: 2,
  /** `run`: another one has this host already. */
  running: 3,
  failed: 4,
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

/** Prints what stopped a command and gives its exit status. */
export function reportFailure(error: unknown, { json = false }: CommonOptions): number {
  const errors = error instanceof ConfigFailure ? error.errors : [];
  const message = error instanceof Error ? error.message : String(error);
  if (json) printJson({ error: { message, errors } });
  else printError(message);
  return error instanceof ConfigFailure ? EXIT.usage : EXIT.failed;
}

/** A file's text, which is latin1 so that no byte is lost, as people read it: UTF-8 where it is that. */
export function decoded(text: string): string {
  if (/[^\0-\xff]/.test(text)) return text; // words of our own are in it, so it is no file's bytes
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

/** A line of a file as a terminal may show it: nothing in it is acted on. */
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

/** Colours where stdout is a terminal and NO_COLOR is not set (no-color.org). */
export function paint(style: Style, text: string): string {
  const colourful = !process.env.NO_COLOR && process.env.TERM !== 'dumb' && isatty(1);
  return colourful ? styleText(style, text, { validateStream: false }) : text;
}

/** Columns as wide as their longest cell; the last one is not padded. Cells may be painted. */
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

/** The escape sequences of colours take no room. */
function width(cell: string): number {
  return cell.replace(/\x1b\[[0-9;]*m/g, '').length;
}
