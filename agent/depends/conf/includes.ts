/** Statements with which a configuration names further files, and the files that they mean. */
import { dirname } from 'node:path';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { HASH, type Syntax } from './scan.ts';

/** Files that a statement names. */
export interface NamedFiles {
  /** A path or a pattern of file-glob.ts. */
  readonly glob: string;
  /** Names in a folder that the program leaves out. */
  readonly isSkipped?: (name: string) => boolean;
}

export interface IncludeStatement {
  /** For docs/depends.md. */
  readonly words: readonly string[];
  /** Matches in a text without comments; the first group is the value. */
  readonly pattern: RegExp;
  readonly files: (value: string) => readonly NamedFiles[];
  /**
   * The folder from which a relative path counts: that of the file with the statement, or of the first file. Without it
   * the path depends on the folder in which the program was started, which we do not know.
   */
  readonly from?: 'this file' | 'first file';
  /** How the files are read, if not as the file with the statement. */
  readonly syntax?: Syntax;
  /** The running program reads the files again when they change. */
  readonly rereads?: true;
}

/** A file with lines of resolv.conf(5). /etc/resolv.conf itself has a source of its own. */
export const SERVERS_FILE: Syntax = { comment: HASH, regions: [['nameserver', /^[ \t]*nameserver[ \t]+(\S+)/gm]] };

/** The value is one path or pattern. */
export const oneFile = (value: string): NamedFiles[] => [{ glob: unquoted(value) }];

/** Paths or patterns with blanks between them. */
export const manyFiles = (value: string): NamedFiles[] =>
  value
    .trim()
    .split(/[ \t]+/)
    .flatMap(oneFile);

/** Folders with blanks between them, of which the program reads the files with these names. */
export const folders =
  (glob: string, isSkipped?: (name: string) => boolean) =>
  (value: string): NamedFiles[] =>
    manyFiles(value).map((folder) => ({ glob: `${folder.glob}/${glob}`, ...(isSkipped && { isSkipped }) }));

/** A file, or a folder of which the program reads the files with these names. */
export const fileOrFolder =
  (glob: string) =>
  (value: string): NamedFiles[] => [...oneFile(value), ...folders(glob)(value)];

/** Files like resolv.conf: those words that are absolute paths. */
export const serversFiles = (value: string): NamedFiles[] =>
  manyFiles(value).filter((named) => named.glob.startsWith('/') && named.glob !== RESOLV_CONF);

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value.trim())?.[2] ?? value.trim();
}

/** Signs that only a shell, or the program, could expand. */
const EXPANDED = /[`$~{}\\]/;

/**
 * A path of NamedFiles as an absolute one. null if it depends on what we cannot know. `file`, `first`: see
 * IncludeStatement; '' for a command line, which is no file.
 */
export function absolutePath(
  glob: string,
  { from }: IncludeStatement,
  { file, first }: { readonly file: string; readonly first: string },
): string | null {
  if (EXPANDED.test(glob)) return null;
  if (glob.startsWith('/')) return glob;
  const base = from === 'this file' ? file : from === 'first file' ? first : '';
  return base === '' ? null : `${dirname(base)}/${glob}`;
}
