/**
 * `npm run boot [bullseye|bookworm|trixie …]`: prints what Holdfast adds to a boot, in a table and as systemd-analyze(1) shows the last one;
 * and what of the executable a first start reads from the disk.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { bootCosts } from './boot-cost.ts';
import { bootTable } from './boot-table.ts';
import { builtAgent, unavailable } from './machine.ts';

const BOOTS = 5;
const LINES = 12;

const missing = unavailable();
if (missing) {
  console.log(`What a boot costs ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS;
const releases = (process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites)) as Suite[];
for (const release of releases) {
  const boots = await bootCosts(release, BOOTS);
  const last = boots.configured.at(-1)!;
  console.log(`\n${suites[release]}, ${BOOTS} boots each\n\n${bootTable(boots)}`);
  console.log(`$ systemd-analyze critical-chain networking.service\n${last.chain}`);
  console.log(`$ systemd-analyze blame\n${last.blame.split('\n').slice(0, LINES).join('\n')}`);
}
console.log(`\n${firstStart(await builtAgent())}`);
console.log(`${availableParallelism()} processors, load ${loadavg()[0]!.toFixed(1)}`);

/** Starts a copy of which no page is in memory, like every first start after a boot. */
function firstStart(agent: string): string {
  const folder = mkdtempSync('/var/tmp/holdfast-boot-');
  const copy = join(folder, 'agent');
  const megabytes = () =>
    Math.round(Number(execFileSync('fincore', ['-b', '-n', '-o', 'RES', copy], { encoding: 'utf8' })) / 1e6);
  const start = () => {
    const begun = performance.now();
    execFileSync(copy, ['--version']);
    return Math.round(performance.now() - begun);
  };
  try {
    copyFileSync(agent, copy);
    execFileSync('sync', [copy]);
    execFileSync('dd', [`if=${copy}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
    const before = megabytes();
    const [first, read, second] = [start(), megabytes(), start()];
    return `\`agent --version\` with ${before} MB of it in memory: ${first} ms, and it has read ${read} MB; then: ${second} ms`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
