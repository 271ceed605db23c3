/** The rows as Markdown. */
import type { Row, Stretch } from './measure.ts';
import type { PlugRow, State } from './plug.ts';
import type { ProofRow } from './proof.ts';

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
    way.client === undefined ? way.tool : `${way.client}: ${way.tool}`,
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

const PROOF_HEAD = [
  'the new servers',
  'tool',
  'what it does',
  'exit status',
  'resolv.conf then',
  'meanwhile: look-ups failed',
  'then',
];

export function proofs(rows: readonly ProofRow[]): string {
  return table(
    PROOF_HEAD,
    rows.map(({ kind, way, status, changed, change, after }) => [
      kind,
      way.tool,
      way.variant,
      String(status),
      changed.replace('right', 'the new servers').replaceAll('*', ''),
      of(change.failed, change.asked),
      of(after.failed, after.asked),
    ]),
  );
}

const PLUG_HEAD = ['tool', 'files touched when the plug was pulled', 'after the boot', 'after one more run of it'];

export function plugs(rows: readonly PlugRow[]): string {
  return table(
    PLUG_HEAD,
    rows.map(({ way, files, booted, nextRun }) => [
      way.tool,
      files.map((file) => file.replace('/etc/dhcp/dhclient-', '')).join(', '),
      plugged(booted),
      plugged(nextRun),
    ]),
  );
}

const plugged = ({ resolvConf, dhclientConf }: State) => `resolv.conf: ${resolvConf}; dhclient.conf: ${dhclientConf}`;

const of = (failed: number, all: number) => strong(failed, `${failed} of ${all}`);
const pings = ({ pings: { lost, answered } }: Stretch) => of(lost, lost + answered);
const milliseconds = (ms: number) => strong(ms, ms === 0 || ms >= 10 ? ms.toFixed(0) : ms.toFixed(1));
const strong = (amount: number, text: string) => (amount > 0 ? `**${text}**` : text);
