/** Configuration files in memory, for the tests of the loader. */
import { posix } from 'node:path';
import { formatConfigError } from '../../agent/config/config-error.ts';
import { type LoadResult, loadConfig } from '../../agent/config/load.ts';
import type { ConfigFiles } from '../../agent/config/source/config-files.ts';

export const MAIN = '/etc/holdfast/agent.yaml';

type Stat = { readonly uid: number; readonly mode: number };

export interface MemoryFile {
  readonly bytes: string | Buffer;
  readonly stat?: Partial<Stat>;
  /** The target of the symbolic link. */
  readonly target?: string;
}

/** `folders`: what differs from root's 0755. */
export function memoryFiles(
  content: Readonly<Record<string, string | Buffer | MemoryFile>>,
  folders: Readonly<Record<string, Partial<Stat>>> = {},
): ConfigFiles {
  const file = (path: string): MemoryFile | undefined => {
    const found = content[path];
    return typeof found === 'string' || Buffer.isBuffer(found) ? { bytes: found } : found;
  };
  return {
    read: (path) => (file(path) ? Buffer.from(file(path)!.bytes as string) : null),
    list: (folder) =>
      Object.keys(content)
        .filter((path) => posix.dirname(path) === folder)
        .map((path) => posix.basename(path))
        .sort(),
    stat: (path) => ({ uid: 0, mode: file(path) ? 0o100644 : 0o040755, ...(file(path)?.stat ?? folders[path]) }),
    target: (path) => file(path)?.target ?? path,
  };
}

export function load(content: Parameters<typeof memoryFiles>[0] | string): Promise<LoadResult> {
  return loadConfig({ files: memoryFiles(typeof content === 'string' ? { [MAIN]: content } : content), asRoot: true });
}

/** The errors as people see them, without the main file's folder. */
export async function errorsOf(content: Parameters<typeof load>[0]): Promise<string[]> {
  const result = await load(content);
  return result.ok ? [] : result.errors.map((error) => formatConfigError(error).replaceAll('/etc/holdfast/', ''));
}
