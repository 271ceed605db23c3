/** The configuration's files as they were when they were last valid. The compiled form holds their exact bytes. */
import { dirname } from 'node:path';
import type { Compiled } from './compiled.ts';
import type { ConfigFiles } from './source/config-files.ts';

/**
 * The files of a compiled form, which only root can have written. null if there is none, or if it was made from another
 * configuration than `file`.
 */
export function lastGoodFiles(text: string | null, file: string): ConfigFiles | null {
  let sources: Compiled['sources'] | undefined;
  try {
    sources = JSON.parse(text ?? '').sources;
  } catch {
    return null;
  }
  if (sources?.[0]?.[0] !== file) return null;
  const bytes = new Map(sources.map(([path, content]) => [path, Buffer.from(content, 'latin1')]));
  return {
    read: (path) => bytes.get(path) ?? null,
    list: (folder) =>
      [...bytes.keys()].filter((path) => dirname(path) === folder).map((path) => path.slice(folder.length + 1)),
    stat: (path) => (bytes.has(path) ? { uid: 0, mode: 0o100644 } : null),
    target: (path) => path,
  };
}
