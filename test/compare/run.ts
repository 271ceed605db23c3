/**
 * `npm run compare`: the same change of DNS servers by other tools and by Holdfast, each on a Debian 12 of its own that
 * boots for it, and what the host looks like afterwards. Writes docs/comparison.md; takes about half an hour.
 * `npm run compare -- TEXT …`: only the ways whose names have one of these, printed. Needs root and systemd-nspawn.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../lab/host.ts';
import { unavailable } from '../systems/machine.ts';
import { measure, type Row } from './measure.ts';
import { page, type Versions } from './page.ts';
import { bootedSubject } from './subject.ts';
import { comparison } from './table.ts';
import { VERSIONS, WAYS, type Way } from './ways.ts';

const RENEWALS = 25;
/** The whole row again, where a renewal came too early or a process was not let run for long. */
const TRIES = 3;

const missing = unavailable();
if (missing) {
  console.log(`The comparison ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS;
const filters = process.argv.slice(2);
const chosen = WAYS.filter((way) => filters.length === 0 || filters.some((text) => title(way).includes(text)));

const rows: Row[] = [];
for (const way of chosen) {
  const row = await tried(way);
  rows.push(row);
  console.log(comparison([row]).split('\n')[2]);
}
if (filters.length === 0) {
  writeFileSync(join(REPOSITORY, 'docs/comparison.md'), page({ rows, versions: await versions() }));
  console.log('docs/comparison.md is written');
}

async function tried(way: Way): Promise<Row> {
  for (let n = 1; ; n++) {
    try {
      await using subject = await bootedSubject();
      return await measure(subject, way, RENEWALS);
    } catch (error) {
      console.error(`${title(way)}: ${error}`);
      if (n === TRIES) throw error;
    }
  }
}

function title({ tool, variant }: Way): string {
  return `${tool}: ${variant}`;
}

async function versions(): Promise<Versions> {
  await using subject = await bootedSubject();
  const tools: [string, string][] = [];
  for (const [tool, command] of Object.entries(VERSIONS)) {
    if (command !== null) tools.push([tool, (await subject.system.sh(command)).trim()]);
  }
  tools.push(['dhclient', (await subject.system.sh('dhclient --version 2>&1')).trim()]);
  const commit = execFileSync('git', ['-C', REPOSITORY, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return { date: new Date().toISOString().slice(0, 10), kernel: release(), commit, tools };
}
