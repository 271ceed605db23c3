/** The steps of the package's life as a table of Markdown. */
import { table } from '../compare/table.ts';
import type { Held, Moments } from './held.ts';
import type { Step } from './lifecycle.ts';

const SETTINGS = [
  'dns.nameservers',
  'dns.search',
  'sysctl.net.ipv4.ip_forward',
] as const satisfies readonly (keyof Held)[];

export function lifecycleTable(steps: readonly Step[]): string {
  const head = ['after', ...SETTINGS.map((setting) => `\`${setting}\`: now / lease / boot`), 'service', ''];
  return table(
    head,
    steps.map(({ after, held, service, note }) => [
      after,
      ...SETTINGS.map((setting) => cell(held[setting])),
      service ?? 'none',
      note,
    ]),
  );
}

const cell = ({ now, lease, boot }: Moments) => [now, lease, boot].map((one) => SIGN[String(one)]).join(' / ');
const SIGN: Record<string, string> = { true: 'held', false: 'as before', null: '–' };
