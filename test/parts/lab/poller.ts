/**
 * Reads one file as fast as it can and says for how long it was not as it should be. Runs as a program of its own, so
 * that nothing delays it, until its standard input ends: `node poller.ts FILE EXPECTED-FILE [KEYWORD]`. It prints `polling`,
 * and at the end one line of JSON (Watched). With a keyword only the lines that begin with it have to be as expected.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { hrtime, stdin, stdout } from 'node:process';

export interface Watched {
  readonly polls: number;
  /** Mean time of a poll, µs. */
  readonly meanUs: number;
  /** Longest time between two polls, µs. A shorter state may have been missed, but `changes` counts it. */
  readonly longestUs: number;
  /** How long the file held something, but not what was expected, ms. */
  readonly wrongMs: number;
  /** How long it was empty, ms. */
  readonly emptyMs: number;
  /** How long it did not exist, ms. */
  readonly absentMs: number;
  /** How often its inode, modification time or size differed from the poll before: seen however short a change was. */
  readonly changes: number;
}

type Sight = 'right' | 'wrong' | 'empty' | 'absent';

const BATCH = 400;

if (import.meta.main) {
  const [file, expected, keyword] = process.argv.slice(2) as [string, string, string?];
  const report = watch(file, readFileSync(expected), keyword);
  stdin.resume().on('end', () => stdout.write(`${JSON.stringify(report())}\n`, () => process.exit()));
}

/** Starts polling, between the turns of the event loop; what it returns gives the report so far. */
function watch(file: string, expected: Buffer, keyword?: string): () => Watched {
  const spent: Record<Sight, bigint> = { right: 0n, wrong: 0n, empty: 0n, absent: 0n };
  const buffer = Buffer.alloc(65536);
  const start = hrtime.bigint();
  let polls = 0;
  let longest = 0n;
  let changes = 0;
  let identity = '';
  let at = start;
  const isExpected = comparison(expected, keyword);
  let sight = look();

  function look(): Sight {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch {
      note('absent');
      return 'absent';
    }
    const { ino, mtimeMs, size } = fstatSync(fd);
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    closeSync(fd);
    note(`${ino} ${mtimeMs} ${size}`);
    if (length === 0) return 'empty';
    return isExpected(buffer.subarray(0, length)) ? 'right' : 'wrong';
  }

  function note(now: string): void {
    if (identity !== '' && identity !== now) changes++;
    identity = now;
  }

  function batch(): void {
    for (let n = 0; n < BATCH; n++) {
      const seen = look();
      const now = hrtime.bigint();
      spent[sight] += now - at; // until now it was as it was at the poll before
      if (now - at > longest) longest = now - at;
      at = now;
      sight = seen;
      polls++;
    }
    setImmediate(batch);
  }

  batch();
  stdout.write('polling\n');
  return () => ({
    polls,
    meanUs: Number(at - start) / 1e3 / polls,
    longestUs: Number(longest) / 1e3,
    wrongMs: Number(spent.wrong) / 1e6,
    emptyMs: Number(spent.empty) / 1e6,
    absentMs: Number(spent.absent) / 1e6,
    changes,
  });
}

function comparison(expected: Buffer, keyword?: string): (content: Buffer) => boolean {
  if (keyword === undefined) return (content) => content.equals(expected);
  const only = (content: Buffer) => {
    const lines = content.toString('latin1').split('\n');
    return lines.filter((line) => line.startsWith(keyword)).join('\n');
  };
  const wanted = only(expected);
  return (content) => only(content) === wanted;
}
