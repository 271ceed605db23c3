/**
 * The compiled form of a configuration, which saves parsing: YAML and schema cost more than the rest of an `apply`
 * without changes. The compiled form holds the bytes that it was made from, and is valid only for these bytes.
 */
import { asciiJson } from './ascii.ts';
import type { ConfiguredState } from './desired.ts';
import type { DesiredDaemon } from './desired-daemon.ts';

export interface Source {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface Compiled extends Meaning {
  /** The build of the agent that checked it. */
  readonly build: string;
  /** Paths and bytes (latin1) in the order of reading. */
  readonly sources: readonly (readonly [path: string, bytes: string])[];
}

/** The meaning of a valid configuration. */
export interface Meaning {
  readonly desired: ConfiguredState;
  readonly daemon: DesiredDaemon;
  /** SHA-256 of the files' names and contents, in hexadecimal. */
  readonly hash: string;
}

/** Makes the text. It is ASCII, which every way of storing keeps. */
export function compiledText(build: string, sources: readonly Source[], meaning: Meaning): string {
  const compiled: Compiled = {
    build,
    sources: storedSources(sources),
    ...meaning,
  };
  return asciiJson(compiled, (_, value) => (value instanceof Map ? { [MAP]: [...value] } : value));
}

/** Paths and bytes, as lastGoodFiles (last-good.ts) reads them. */
export function storedSources(sources: readonly Source[]): Compiled['sources'] {
  return sources.map(({ path, bytes }) => [path, bytes.toString('latin1')]);
}

/** null if the text was made from other files, by another agent, or is damaged. */
export function fromCompiled(text: string, build: string, sources: readonly Source[]): Meaning | null {
  let compiled: Compiled;
  try {
    compiled = JSON.parse(text, (_, value) => (Array.isArray(value?.[MAP]) ? new Map(value[MAP]) : value));
  } catch {
    return null;
  }
  if (compiled?.build !== build || compiled.sources?.length !== sources.length) return null;
  const same = sources.every(({ path, bytes }, i) => {
    const [oldPath, oldBytes] = compiled.sources[i]!;
    return path === oldPath && bytes.toString('latin1') === oldBytes;
  });
  const { desired, daemon, hash } = compiled;
  return same ? { desired, daemon, hash } : null;
}

const MAP = '<map>';
