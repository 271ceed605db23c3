/** Shared by every resource that keeps a file: the finding about the file. apply-file.ts makes the change. */
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Finding, SettingState } from '../resource.ts';

/** A resource's view of its file. */
export interface FileView {
  /** null if the file should not exist. */
  readonly wanted: string | null;
  /** The text to show in place of the file's own text. */
  readonly actual?: string | null;
  /** By default `ok` if the file has the wanted text, and `drifted` if not. */
  readonly state?: Finding['state'];
  readonly reason?: string | undefined;
  readonly refusal?: string | undefined;
  /** By default none. */
  readonly settings?: Finding['settings'];
}

interface Ways {
  /** The settings, all unknown for this reason, if the file cannot be read or compared. By default none. */
  readonly unseen?: (reason: string) => readonly SettingState[] | Promise<readonly SettingState[]>;
  /** By default Host.readText. */
  readonly read?: (path: string) => string | null;
}

/**
 * The finding about one file. `view` gets its text, null if there is no file, and returns null if the resource has
 * nothing to say about the file. A file that cannot be read or compared is unknown, and `apply` must not touch it.
 */
export async function compareFile(
  host: Host,
  { resource, key, moment }: Pick<Finding, 'resource' | 'key' | 'moment'>,
  view: (actual: string | null) => FileView | null | Promise<FileView | null>,
  { unseen = () => [], read = (path) => host.readText(path) }: Ways = {},
): Promise<Finding | null> {
  const place = { resource, key, kind: 'file', moment } as const;
  let why = `${key} cannot be read`;
  try {
    const text = read(key);
    why = `${key} cannot be compared`;
    const seen = await view(text);
    if (seen === null) return null;
    const { wanted, actual = text, reason, refusal } = seen;
    return {
      ...place,
      state: seen.state ?? (actual === wanted ? 'ok' : 'drifted'),
      wanted,
      actual,
      ...(reason === undefined ? {} : { reason }),
      ...(refusal === undefined ? {} : { refusal }),
      settings: seen.settings ?? (async () => []),
    };
  } catch (error) {
    const reason = errorMessage(error);
    const settings = async () => unseen(why);
    return { ...place, state: 'unknown', wanted: null, actual: null, reason, refusal: reason, settings };
  }
}
