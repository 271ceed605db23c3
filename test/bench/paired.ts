/** Commands timed in turn on throw-away hosts, so that a drift of the machine hits them all, and the table of the ratios. */
import { join } from 'node:path';
import type { LabHost } from '../parts/lab/host.ts';
import type { Command, Job, Measured } from './inside.ts';
import { median } from './median.ts';

export const RUNS = 40;
const ROUNDS = 4;

/** `runs` counted runs of each command on `where`, in turn. */
export async function measure(commands: readonly Command[], where: LabHost, runs = RUNS): Promise<Measured[]> {
  const job: Job = { commands, runs };
  const script = join(import.meta.dirname, 'inside.ts');
  const { code, stdout, stderr } = await where.run([process.execPath, script], { input: JSON.stringify(job) });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Measured[];
}

/** The commands of each host, in turn on the host; the hosts also take turns. */
export async function alternate(
  hosts: readonly (readonly [LabHost, ...Command[]])[],
  runs = RUNS,
): Promise<Measured[][]> {
  const all = hosts.map(([, ...commands]): Measured[] => commands.map(({ name }) => ({ name, wall: [], peak: null })));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, [where, ...commands]] of hosts.entries()) {
      const measured = await measure(commands, where, runs / ROUNDS);
      all[index] = measured.map((each, nth) => {
        return { ...each, wall: [...all[index]![nth]!.wall, ...each.wall] };
      });
    }
  }
  return all;
}

/** A table whose first row is what the others are compared with, run by run. */
export function report(title: string, measured: readonly Measured[]): void {
  const pairs = measured.map((one) => [measured[0]!, one] as const);
  reportPairs(title, pairs);
}

/** A table with a row for each second measurement, compared with the first one of its pair, run by run. */
export function reportPairs(title: string, pairs: readonly (readonly [base: Measured, measured: Measured])[]): void {
  console.log(`\n### ${title}\n`);
  console.log('| | wall ms (median, min–max) | ratio (median of pairs) | peak MB |');
  console.log('| --- | --- | --- | --- |');
  for (const [base, { name, wall, peak }] of pairs) {
    const ratio = median(wall.map((taken, run) => taken / base.wall[run]!));
    const spread = `${Math.min(...wall).toFixed(1)}–${Math.max(...wall).toFixed(1)}`;
    console.log(
      `| ${name} | ${median(wall).toFixed(1)} (${spread}) | ${ratio.toFixed(2)} | ${peak?.toFixed(0) ?? '?'} |`,
    );
  }
}
