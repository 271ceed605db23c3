/**
 * The measuring process of `npm run bench`, run inside the throw-away host, so that nothing but the command itself is
 * timed. Reads one job (JSON) from standard input and prints its result (JSON).
 */
import { spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Command {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly commands: readonly Command[];
  /** Counted runs of each command, after an uncounted one. The commands take turns, so a drift of the machine hits all. */
  readonly runs: number;
}

export interface Measured {
  readonly name: string;
  /** Milliseconds of the whole process, run by run. */
  readonly wall: readonly number[];
  /** Largest resident set in MB (10^6 bytes); null without GNU time. */
  readonly peak: number | null;
}

const TIME = '/usr/bin/time';

if (import.meta.main) {
  const job = JSON.parse(await text(process.stdin)) as Job;
  const wall = job.commands.map((): number[] => []);
  for (let run = -1; run < job.runs; run += 1) {
    for (const [index, command] of job.commands.entries()) {
      const taken = time(command);
      if (run >= 0) wall[index]!.push(taken);
    }
  }
  const result: Measured[] = job.commands.map((command, index) => ({
    name: command.name,
    wall: wall[index]!,
    peak: peak(command),
  }));
  process.stdout.write(JSON.stringify(result));
}

function time({ argv, env, name }: Command): number {
  const [program, ...args] = argv;
  const start = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(program!, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
  const taken = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${name}: exit status ${status}: ${error?.message ?? stderr}`);
  return taken;
}

function peak({ argv, env }: Command): number | null {
  const { stderr, error } = spawnSync(TIME, ['-f', 'peak %M', ...argv], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  const kibibytes = /^peak (\d+)$/m.exec(stderr ?? '')?.[1];
  return error !== undefined || kibibytes === undefined ? null : (Number(kibibytes) * 1024) / 1e6;
}
