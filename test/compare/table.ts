/** The rows as Markdown. */
import type { Row, Stretch } from './measure.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

const HEAD = [
  'tool',
  'what it does',
  'took, s',
  'meanwhile: look-ups failed',
  'pings lost',
  'renewals: ms wrong',
  'ms empty',
  'look-ups failed',
  'pings lost',
  'resolv.conf then',
  'old servers shut down: look-ups failed',
  'after a restart',
];

export function comparison(rows: readonly Row[]): string {
  return table(HEAD, rows.map(cells));
}

function cells({ way, seconds, change, renewals, renewed, dead, restarted, found }: Row): string[] {
  return [
    way.tool,
    way.variant,
    seconds.toFixed(1),
    of(change.lookUps.failed, change.lookUps.asked),
    pings(change),
    milliseconds(renewals.wrongMs),
    milliseconds(renewals.emptyMs),
    of(renewals.lookUps.failed, renewals.lookUps.asked),
    pings(renewals),
    renewed,
    of(dead.failed, dead.asked),
    `${restarted}${found ? '' : ', **finds nothing**'}`,
  ];
}

const of = (failed: number, all: number) => strong(failed, `${failed} of ${all}`);
const pings = ({ pings: { lost, answered } }: Stretch) => of(lost, lost + answered);
const milliseconds = (ms: number) => strong(ms, ms === 0 || ms >= 10 ? ms.toFixed(0) : ms.toFixed(1));
const strong = (amount: number, text: string) => (amount > 0 ? `**${text}**` : text);
