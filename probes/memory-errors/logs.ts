/** Memory errors that routing daemons write into their logs. */
import type { Host } from '../../agent/host/host.ts';
import type { Condition, Probe, Reading } from '../probe.ts';
import { Remembered } from '../remembered.ts';
import { DAEMON_CAUSES } from './causes.ts';
import type { MemoryErrorRecord } from './counts-record.ts';
import { tallyLine, unreadableLog } from './daemon-lines.ts';
import { LogFollower, type LogPosition } from './log-follower.ts';
import { ErrorTally } from './tally.ts';

/** Milliseconds between readings. A look at a log that did not grow takes 0.1 ms. */
const INTERVAL = 1_000;
/** Milliseconds for one reading. No heartbeat waits for it, and a busy disk may take seconds for a page of a log. */
const TIME_LIMIT = 30_000;

type Positions = Readonly<Record<string, LogPosition>>;

/** @param history true: reads the last MiB of each log, and remembers nothing. */
export function daemonMemoryErrors(
  host: Host,
  logs: readonly { readonly path: string }[],
  record: MemoryErrorRecord,
  { history, clock }: { history: boolean; clock?: () => number },
): Probe {
  const tally = new ErrorTally(record, { history });
  const remembered = new Remembered(host, 'daemon-logs', isPositions);
  /** Made at the first reading. Until then the probe of the last configuration reads, and moves the positions on. */
  let followers: ReadonlyMap<string, LogFollower> = new Map();

  const open = () => {
    const positions = history ? {} : (remembered.load() ?? {});
    const paths = [...new Set(logs.map(({ path }) => path))];
    const begin = (path: string) => positions[path] ?? (history ? 'tail' : 'end');
    return new Map(paths.map((path) => [path, new LogFollower(host.locate(path), begin(path), clock)]));
  };

  let closed = false;
  let blind: string[] = [];

  const readOne = async (path: string, follower: LogFollower): Promise<Condition[]> => {
    try {
      const lines = await follower.read();
      if (closed) return []; // the follower that replaced this one reads these lines
      tally.watch(path, DAEMON_CAUSES);
      const now = Date.now();
      for (const line of lines) tallyLine(tally, path, Buffer.from(line, 'latin1').toString('utf8'), now);
      return follower.gone ? [unreadableLog({ path }, `cannot read ${path}: the file is gone`)] : [];
    } catch (error) {
      return [unreadableLog({ path }, error instanceof Error ? error.message : String(error))];
    }
  };

  return {
    name: 'memory-errors.logs',
    cost: 'constant',
    interval: INTERVAL,
    timeLimit: TIME_LIMIT,
    async read(): Promise<Reading[]> {
      if (followers.size === 0 && !closed) followers = open();
      const all = await Promise.all([...followers].map(([path, follower]) => readOne(path, follower)));
      const conditions = all.flat();
      blind = conditions.map(({ body }) => body);
      return [...tally.take(), ...conditions];
    },
    blind: () => (blind.length === 0 ? null : blind.join(' ')),
    handedOn() {
      if (history) return;
      const read = [...followers].flatMap(([path, { position }]) => (position === null ? [] : [[path, position]]));
      remembered.save(Object.fromEntries(read));
    },
    async close() {
      closed = true;
      await Promise.allSettled([...followers.values()].map((follower) => follower.close()));
    },
  };
}

function isPositions(value: unknown): value is Positions {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every(
      (position) =>
        Number.isSafeInteger(position?.inode) && Number.isFinite(position?.born) && Number(position?.offset) >= 0,
    )
  );
}
