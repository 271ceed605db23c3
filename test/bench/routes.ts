/** What it costs to count a full routing table, against a C program that does no more than that (routes.c). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { LabHost } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { median } from './median.ts';
import type { RoutesMeasured } from './routes-inside.ts';

/** `host` holds the routes already. Prints a Markdown table; without a C compiler it says so. */
export async function benchCounting(host: LabHost): Promise<void> {
  const program = '/tmp/routes';
  const source = join(REPOSITORY, 'test/bench/routes.c');
  if (spawnSync('cc', ['--version']).error !== undefined) {
    console.log('\n(counting routes: there is no C compiler, cc, to make its floor with: left out)');
    return;
  }
  await host.sh(`cc -O2 -o ${program} ${source}`);
  const inside = join(REPOSITORY, 'test/bench/routes-inside.ts');
  const measured = JSON.parse(await host.sh(`${process.execPath} ${inside} ${program}`)) as RoutesMeasured;
  const ratio = median(measured.byProtocol.map((taken, run) => taken / measured.c[run]!));
  console.log('\n### Counting the routes of both families\n');
  console.log('| | median ms | ratio (median of pairs) |\n| --- | --- | --- |');
  console.log(`| C program | ${median(measured.c).toFixed(0)} | 1.00 |`);
  console.log(`| routes-by-protocol | ${median(measured.byProtocol).toFixed(0)} | ${ratio.toFixed(2)} |`);
  console.log(`| routes (totals) | ${median(measured.totals).toFixed(0)} | |`);
  console.log(
    `\nCPU time of a reading by protocol: ${median(measured.cpu).toFixed(0)} ms; resident set at most ${measured.resident.toFixed(0)} MB.`,
  );
  console.log(
    `To look for one IPv6 route in a list of all: ${median(measured.seek).toFixed(2)} µs for each that there is.`,
  );
}
