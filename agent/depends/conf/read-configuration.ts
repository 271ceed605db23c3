/** Reads the configuration of a program: its own files, and those that they include. */
import type { FileReading, ReadFile } from '../files.ts';
import { absolutePath, type IncludeStatement } from './includes.ts';
import type { ConfiguredProgram } from './program.ts';
import { lineFinder, type Syntax, withoutComments } from './scan.ts';

/** Includes below one another. nginx, named and Squid go no deeper. */
const DEEPEST = 16;
/** The most files that the files of one program include or try to include, and their bytes together. */
const MOST_INCLUDED = 1000;
const LARGEST_INCLUDED = 16 * 1024 * 1024;

export interface ConfigurationFile extends ReadFile {
  readonly syntax: Syntax;
  /** Whether the running program reads the file again when it changes. */
  readonly rereads: boolean;
}

/** A file whose includes are still to be followed. */
interface Following extends Pick<ConfigurationFile, 'path' | 'text' | 'syntax' | 'rereads'> {
  /** The file that none includes. */
  readonly first: string;
  readonly depth: number;
}

/**
 * The files of these patterns, in order, each followed by those that it includes. `commandLine`: statements that the
 * program got as arguments, which are followed first; '' for none. What is not followed is noted in `reading`.
 */
export function readConfiguration(
  reading: FileReading,
  { files: patterns, syntax, includes = [] }: Pick<ConfiguredProgram, 'files' | 'syntax' | 'includes'>,
  commandLine = '',
): ConfigurationFile[] {
  const found: ConfigurationFile[] = [];
  const left = { files: MOST_INCLUDED, bytes: LARGEST_INCLUDED };
  const follow = (one: Following): void => {
    for (const statement of includes) {
      for (const included of followed(reading, statement, one, left)) {
        const file: ConfigurationFile = {
          ...included,
          syntax: statement.syntax ?? one.syntax,
          rereads: one.rereads || statement.rereads === true,
        };
        found.push(file);
        follow({ ...file, first: one.first === '' ? file.path : one.first, depth: one.depth + 1 });
      }
    }
  };
  follow({ path: '', text: commandLine, syntax, rereads: false, first: '', depth: 0 });
  for (const pattern of patterns) {
    for (const read of reading.read(pattern)) {
      const file = { ...read, syntax, rereads: false };
      found.push(file);
      follow({ ...file, first: file.path, depth: 0 });
    }
  }
  return found;
}

/** The files that one statement includes and that were not read before. */
function followed(
  reading: FileReading,
  statement: IncludeStatement,
  { path, text, syntax, first, depth }: Following,
  left: { files: number; bytes: number },
): ReadFile[] {
  const bare = withoutComments(text, syntax);
  const line = lineFinder(bare);
  const files: ReadFile[] = [];
  for (const match of bare.matchAll(statement.pattern)) {
    for (const { glob, isSkipped } of statement.files(match[1]!)) {
      if (glob === '') continue;
      const absolute = absolutePath(glob, statement, { file: path, first });
      const why = ` (${path === '' ? 'its command line' : `${path}:${line(match.index)}`} includes it)`;
      const isSpent = left.files <= 0 || left.bytes <= 0;
      if (absolute === null || depth >= DEEPEST || isSpent) {
        const reason = absolute === null ? UNKNOWN : isSpent ? TOO_MANY : TOO_DEEP;
        reading.miss(`${absolute ?? glob} was not read, because ${reason}${why}`);
        if (isSpent) return files;
        continue;
      }
      const included = reading.read(absolute, { why, ...(isSkipped && { isSkipped }) });
      // A file that does not exist, or was read before, also took time.
      left.files -= Math.max(1, included.length);
      for (const file of included) left.bytes -= file.text.length;
      files.push(...included);
    }
  }
  return files;
}

const UNKNOWN = 'its path depends on how the program was started, or the program expands it';
const TOO_MANY = 'too many files are included';
const TOO_DEEP = `more than ${DEEPEST} files include one another`;
