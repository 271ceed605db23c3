/**
 * `npm run compare`: the same change of DNS servers by other tools and by Holdfast, each on a Debian 12 of its own that
 * boots for it, and what the host looks like afterwards. Writes docs/comparison.md; takes about half an hour.
 * `npm run compare -- TEXT …`: measures only the rows whose titles have one of these again. Needs root and systemd-nspawn.
 */
import { execFileSync } from 'node:child_process';
import { loadavg, release } from 'node:os';
import { REPOSITORY } from '../parts/repository.ts';
import { unavailable } from '../systems/machine.ts';
import { CLIENTS } from './clients.ts';
import { keep, type Tables } from './findings.ts';
import { measure } from './measure.ts';
import { writePage } from './page.ts';
import { measurePlug } from './plug.ts';
import { BAD_SERVERS, measureProof } from './proof.ts';
import { bootedSubject, quietFor } from './subject.ts';
import { BEST, TOOLS, VERIFIED, WAYS } from './ways.ts';

const RENEWALS = 25;
/** Measures the whole row again if a renewal came too early or a program had to wait for the processor too long. */
const TRIES = 3;
/** So many files were touched when the plug was pulled; a tool with fewer has fewer rows. */
const PLUGGED_AFTER = [1, 2, 3];

interface Job<Table extends keyof Tables = keyof Tables> {
  readonly table: Table;
  readonly title: string;
  /** Null: there is no such row. */
  measure(): Promise<Tables[Table] | null>;
}

const jobs: readonly Job[] = [
  ...WAYS.map((way) => ({
    table: 'tools' as const,
    title: `${way.tool}: ${way.variant}`,
    measure: async () => {
      await using subject = await bootedSubject(quietFor(way));
      return await measure(subject, way, RENEWALS);
    },
  })),
  ...CLIENTS.flatMap(({ name, ways, subject: make }) =>
    ways.map((way) => ({
      table: 'clients' as const,
      title: `${name}: ${way.tool}: ${way.variant}`,
      measure: async () => {
        await using subject = await make(way);
        return await measure(subject, { ...way, client: name }, RENEWALS);
      },
    })),
  ),
  ...BAD_SERVERS.flatMap((bad) =>
    [BEST, VERIFIED].map((way) => ({
      table: 'proofs' as const,
      title: `${bad.kind}: ${way.tool}`,
      measure: async () => {
        await using subject = await bootedSubject('long');
        return await measureProof(subject, way, bad);
      },
    })),
  ),
  ...TOOLS.flatMap((way) =>
    PLUGGED_AFTER.map((files) => ({
      table: 'plugs' as const,
      title: `plug pulled: ${way.tool} after ${files}`,
      measure: async () => {
        await using subject = await bootedSubject('long');
        return await measurePlug(subject.system, way, files);
      },
    })),
  ),
];

if (import.meta.main) {
  const missing = unavailable();
  if (missing) {
    console.log(`The comparison ${missing}.`);
    process.exit(1);
  }
  delete process.env.NODE_EXTRA_CA_CERTS; // it makes every Node start slower
  const texts = process.argv.slice(2);
  const commit = execFileSync('git', ['-C', REPOSITORY, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  // One at a time, because the measurement includes everything that runs beside it.
  for (const [place, { table, title, measure }] of jobs.entries()) {
    if (texts.length > 0 && !texts.some((text) => title.includes(text))) continue;
    const row = await tried(title, measure);
    console.log(title, JSON.stringify(row));
    if (row === undefined) continue;
    const date = new Date().toISOString().slice(0, 10);
    keep({ table, title, place, row, date, commit, kernel: release(), load: loadavg()[0]! });
  }
  await writePage();
  console.log('docs/comparison.md is written');
}

/** Null: it could not be measured; undefined: there is no such row. */
async function tried<Result>(title: string, measure: () => Promise<Result | null>): Promise<Result | null | undefined> {
  for (let n = 1; n <= TRIES; n++) {
    try {
      return (await measure()) ?? undefined;
    } catch (error) {
      console.error(`${title}: ${error}`);
    }
  }
  return null;
}
