/** What a boot takes in each state, as a table of Markdown: medians. */
import { table } from '../compare/table.ts';
import { type Boot, type BootState, STATES } from './boot-cost.ts';

const HEAD = [
  'ms, median',
  'network-pre.target',
  'networking.service',
  'multi-user.target',
  'all done',
  "Holdfast's own",
];

export function bootTable(boots: Readonly<Record<BootState, readonly Boot[]>>): string {
  return table(
    HEAD,
    STATES.map((state) => {
      const all = boots[state];
      const cell = (pick: (boot: Boot) => number | null) => shown(median(all.map(pick)));
      return [
        state,
        cell(({ networkPre }) => networkPre),
        cell(({ network }) => network),
        cell(({ multiUser }) => multiUser),
        cell(({ finished }) => finished),
        own(all),
      ];
    }),
  );
}

function own(boots: readonly Boot[]): string {
  const units = new Set(boots.flatMap((boot) => boot.units.map(({ unit }) => unit)));
  const texts = [...units].map((unit) => {
    const costs = boots.flatMap((boot) => boot.units.filter((one) => one.unit === unit));
    const wall = shown(median(costs.map(({ wallMs }) => wallMs)));
    return `${unit} ${wall}, of them ${shown(median(costs.map(({ cpuMs }) => cpuMs)))} of a processor`;
  });
  return texts.join('; ') || 'nothing';
}

function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

const shown = (value: number | null) => (value === null ? '–' : String(value));
