/** The folders to watch for changes of the operator's files: the real ones, and those of every link on the way. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** The most links on the way to one file; the kernel follows as many. */
const MOST_LINKS = 40;

export interface OperatorPaths {
  /** Folders that exist, by their real names. */
  readonly folders: ReadonlySet<string>;
  /** Files, links and missing folders in them that the operator's files depend on, by their real names. */
  readonly entries: ReadonlySet<string>;
  /** The folders in which every `*.yaml` counts. */
  readonly whole: ReadonlySet<string>;
}

/** The places of these files, and of all `*.yaml` in these folders, by the present targets of links. */
export function pathsOf(files: readonly string[], folders: readonly string[]): OperatorPaths {
  const entries = new Set(files.flatMap(placesOf));
  const whole = new Set<string>();
  for (const folder of folders) {
    for (const place of placesOf(folder)) entries.add(place);
    const real = orNull(() => realpathSync(folder));
    const names = real === null ? null : orNull(() => readdirSync(real));
    if (real === null || names === null) continue;
    whole.add(real);
    for (const name of names.filter(isYaml)) for (const place of placesOf(join(real, name))) entries.add(place);
  }
  return { folders: new Set([...whole, ...[...entries].map((entry) => dirname(entry))]), entries, whole };
}

export function isYaml(name: string): boolean {
  return name.endsWith('.yaml');
}

/** Every link on the way to a path, and its end: the file, or the first missing folder. */
function placesOf(path: string): string[] {
  const places: string[] = [];
  let at: string = sep;
  let left = resolve(path).split(sep).slice(1);
  while (left.length > 0 && places.length < MOST_LINKS) {
    const entry = join(at, left[0]!);
    const target = targetOf(entry);
    left = left.slice(1);
    at = entry;
    if (target === null || target !== '' || left.length === 0) places.push(entry);
    if (target === null) break;
    if (target === '') continue;
    left = [...resolve(dirname(entry), target).split(sep).slice(1), ...left];
    at = sep;
  }
  return places;
}

/** The target of a link; '' if the path is no link; null if the path does not exist. */
function targetOf(path: string): string | null {
  return orNull(() => (lstatSync(path).isSymbolicLink() ? readlinkSync(path) : ''));
}

/** A text that differs whenever one of the places differs. */
export function stateOfPaths({ entries }: OperatorPaths): string {
  const states = [...entries].map((entry) => {
    const found = orNull(() => statSync(entry));
    return [entry, targetOf(entry), found?.ino, found?.mtimeMs, found?.ctimeMs, found?.size];
  });
  return JSON.stringify(states);
}

/** The result of `look`; null if the path does not exist or may not be read. */
function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
