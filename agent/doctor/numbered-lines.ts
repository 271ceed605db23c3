/** Files of other authors as numbered lines. */
import type { Host } from '../host/host.ts';

export interface Line {
  readonly text: string;
  /** `file:line`. */
  readonly at: string;
}

/** Lines that are neither empty nor a comment (`#`, `;`). Empty if there is no such file, or no regular file. */
export function statements(host: Host, file: string): Line[] {
  if (!host.stat(file)?.isFile()) return [];
  return (host.readText(file) ?? '')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), at: `${file}:${index + 1}` }))
    .filter(({ text }) => text !== '' && !/^[#;]/.test(text));
}

/** The files of a folder whose names have this ending, in order. */
export function filesIn(host: Host, folder: string, ending: string): string[] {
  return host
    .list(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);
}
