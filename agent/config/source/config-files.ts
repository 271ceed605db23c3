/**
 * The access to files that loading a configuration needs; `Host` of agent/host provides it. Paths are absolute, as the
 * host sees them.
 */
export interface ConfigFiles {
  /** A file's bytes, with links followed; null if it does not exist. Throws if it cannot be read. */
  read(path: string): Buffer | null;
  /** Names in a folder, sorted by byte; empty if the folder does not exist. */
  list(folder: string): string[];
  /** The stat of a path, with links followed; null if it does not exist. */
  stat(path: string): { readonly uid: number; readonly mode: number } | null;
  /** The final target of a path's symbolic links. */
  target(path: string): string;
}
