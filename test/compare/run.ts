/**
 * `npm run compare`: the same change of DNS servers by other tools and by Holdfast, each on a Debian 12 of its own that
 * boots for it, and what the host looks like afterwards. Writes docs/comparison.md; takes about half an hour.
 * `npm run compare -- TEXT …`: only the ways whose names have one of these, printed. Needs root and systemd-nspawn.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { REPOSITORY } from '../lab/host.ts';
import { unavailable } from '../systems/machine.ts';
import { measure } from './measure.ts';
import { FINDINGS, type Findings, type Versions, writePage } from './page.ts';
import { measurePlug } from './plug.ts';
import { BAD_SERVERS, measureProof } from './proof.ts';
import { bootedSubject } from './subject.ts';
import { comparison, plugs, proofs } from './table.ts';
import { BEST, TOOLS, VERIFIED, VERSIONS, WAYS } from './ways.ts';

const RENEWALS = 25;
/** The whole row again, where a renewal came too early or a process was not let run for long. */
const TRIES = 3;
/** So many files were in place when the plug was pulled; a tool with fewer has fewer rows. */
const PLUGGED_AFTER = [1, 2, 3];

const missing = unavailable();
if (missing) {
  console.log(`The comparison ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS;
const filters = process.argv.slice(2);
const isChosen = (title: string) => filters.length === 0 || filters.some((text) => title.includes(text));

const failed: string[] = [];

const rows = await inTurn(
  WAYS.map((way) => ({
    title: `${way.tool}: ${way.variant}`,
    measure: async () => {
      await using subject = await bootedSubject(way);
      return await measure(subject, way, RENEWALS);
    },
    show: comparison,
  })),
);
const proofRows = await inTurn(
  BAD_SERVERS.flatMap((bad) =>
    [BEST, VERIFIED].map((way) => ({
      title: `${bad.kind}: ${way.tool}`,
      measure: async () => {
        await using subject = await bootedSubject({ slow: true });
        return await measureProof(subject, way, bad);
      },
      show: proofs,
    })),
  ),
);
const plugRows = await inTurn(
  TOOLS.flatMap((way) =>
    PLUGGED_AFTER.map((files) => ({
      title: `plug: ${way.tool} after ${files}`,
      measure: async () => {
        await using subject = await bootedSubject({ slow: true });
        return await measurePlug(subject.system, way, files);
      },
      show: plugs,
    })),
  ),
);
if (filters.length === 0) {
  const findings: Findings = { rows, proofRows, plugRows, failed, versions: await versions() };
  writeFileSync(FINDINGS, JSON.stringify(findings, null, 1));
  writePage(findings);
  console.log('docs/comparison.md is written');
}

interface Job<Result> {
  readonly title: string;
  /** Null: there is no such row. */
  measure(): Promise<Result | null>;
  show(rows: readonly Result[]): string;
}

/** One at a time, since whatever runs beside it would be measured too. */
async function inTurn<Result>(jobs: readonly Job<Result>[]): Promise<Result[]> {
  const done: Result[] = [];
  for (const job of jobs.filter(({ title }) => isChosen(title))) {
    const row = await tried(job);
    if (row === null) continue;
    done.push(row);
    console.log(job.show([row]).split('\n')[2]);
  }
  return done;
}

async function tried<Result>({ title, measure }: Job<Result>): Promise<Result | null> {
  for (let n = 1; ; n++) {
    try {
      return await measure();
    } catch (error) {
      console.error(`${title}: ${error}`);
      if (n < TRIES) continue;
      failed.push(title);
      return null;
    }
  }
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
