/** Durations and sizes as an operator writes them: a whole number and its unit. */
import { show } from '../config-error.ts';

const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZES: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export const DURATION_PATTERN = '^[0-9]{1,9}(ms|s|m|h)$';
export const SIZE_PATTERN = '^[0-9]{1,9}(KiB|MiB|GiB)$';

/** `500ms`, `30s`, `5m`, `1h` in milliseconds; null if the text is no duration. */
export function durationOf(text: string): number | null {
  return quantity(text, DURATION_PATTERN, DURATIONS);
}

/** `512KiB`, `64MiB`, `1GiB` in bytes; null if the text is no size. */
export function sizeOf(text: string): number | null {
  return quantity(text, SIZE_PATTERN, SIZES);
}

interface Limits {
  readonly least: string;
  readonly most: string;
  /** Whether `0s` is allowed though `least` is more: "never". */
  readonly zero?: boolean;
}

export function durationProblem({ least, most, zero = false }: Limits): (text: string) => string | undefined {
  const what = { name: 'duration', example: 'a whole number with ms, s, m or h, such as 30s', near: nearDuration };
  return problemOf(durationOf, { least, most, zero }, what);
}

export function sizeProblem(limits: Limits): (text: string) => string | undefined {
  const what = { name: 'size', example: 'a whole number with KiB, MiB or GiB, such as 64MiB', near: nearSize };
  return problemOf(sizeOf, limits, what);
}

interface Kind {
  readonly name: string;
  readonly example: string;
  /** The likely meaning, in the right notation. */
  readonly near: (text: string) => string;
}

/** `2 s`, `30sec`, `5 minutes`, `"30"`, `1d`. */
function nearDuration(text: string): string {
  const [, digits = '', unit = ''] = /^(\d{1,6}) ?(ms|s|sec|m|min|h|hour|d|day|)[a-z]*$/i.exec(text.trim()) ?? [];
  if (/^d/i.test(unit)) return `${Number(digits) * 24}h`;
  return digits + (/^ms/i.test(unit) ? 'ms' : (/^[smh]/i.exec(unit)?.[0].toLowerCase() ?? 's'));
}

/** `100MB`, `64 mib`, `1G`. */
function nearSize(text: string): string {
  const [, digits = '', unit = ''] = /^(\d{1,9}) ?([kmg])i?b?$/i.exec(text.trim()) ?? [];
  return `${digits}${unit.toUpperCase()}iB`;
}

function problemOf(read: (text: string) => number | null, { least, most, zero }: Limits, what: Kind) {
  const [low, high] = [read(least) as number, read(most) as number];
  const isRight = (value: number | null) =>
    value !== null && ((value === 0 && zero) || (value >= low && value <= high));
  return (text: string) => {
    const value = read(text);
    if (value === null) {
      const near = what.near(text);
      return `${show(text)} is no ${what.name}; write ${isRight(read(near)) ? near : what.example}`;
    }
    if (isRight(value)) return undefined;
    return `${show(text)} is out of range; write ${zero ? '0s (never), or ' : ''}${least} to ${most}`;
  };
}

function quantity(text: string, pattern: string, units: Record<string, number>): number | null {
  const unit = new RegExp(pattern).exec(text)?.[1];
  return unit === undefined ? null : Number.parseInt(text, 10) * units[unit]!;
}

/** An age in whole units, at least two of them above a minute: `45 s`, `3 min`. @param age milliseconds. */
export function agoText(age: number): string {
  const seconds = Math.max(1, Math.round(age / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
