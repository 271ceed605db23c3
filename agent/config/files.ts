/** What configuration needs of the host's files; `Host` of agent/host is one. Paths are absolute, as the host sees them. */
export interface ConfigFiles {
  /** A file's bytes, links followed; null where there is none. Throws where it cannot be read. */
  read(path: string): Buffer | null;
  /** Names in a folder, sorted by byte; none where there is no such folder. */
  list(folder: string): string[];
  /** Links followed; null where there is nothing. */
  stat(path: string): { readonly uid: number; readonly mode: number } | null;
  /** Where the symbolic links of a path lead in the end. */
  target(path: string): string;
}
