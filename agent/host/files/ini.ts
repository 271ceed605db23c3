/** Files with sections of keys and values, as systemd, NetworkManager and tuned write them. */
import type { Host } from '../host.ts';

export interface IniLine {
  readonly file: string;
  readonly line: number;
  /** null before the first section. */
  readonly section: string | null;
  readonly key: string;
  readonly value: string;
}

/** Every `key = value`, in order. Empty if there is no such file, or no regular file. Throws HostError. */
export function iniLines(host: Host, file: string): IniLine[] {
  return host.stat(file)?.isFile() ? iniLinesOf(file, host.readText(file) ?? '') : [];
}

/** The lines of a text that is or was in this file. */
export function iniLinesOf(file: string, content: string): IniLine[] {
  let section: string | null = null;
  return content.split('\n').flatMap((text, index) => {
    const name = /^\s*\[([^\]]+)\]\s*$/.exec(text)?.[1];
    if (name !== undefined) section = name;
    const [, key, value] = /^\s*([^#;=\s[][^=]*?)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
    return key === undefined || value === undefined ? [] : [{ file, line: index + 1, section, key, value }];
  });
}
