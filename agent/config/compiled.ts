/**
 * A configuration that was read once need not be parsed again: YAML and schema cost more than all else in an `apply`
 * that has nothing to do. The compiled form holds the very bytes that it was made from, and counts for nothing else.
 */
import { asciiJson } from './ascii.ts';
import type { DesiredDaemon } from './daemon.ts';
import type { ConfiguredState } from './desired.ts';

export interface Source {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface Compiled extends Meaning {
  /** Of the agent that checked it. */
  readonly build: string;
  /** Paths and bytes (latin1) in the order of reading. */
  readonly sources: readonly (readonly [path: string, bytes: string])[];
}

/** What a valid configuration says. */
export interface Meaning {
  readonly desired: ConfiguredState;
  readonly daemon: DesiredDaemon;
  /** SHA-256 of the files' names and contents, in hexadecimal. */
  readonly hash: string;
}

/** ASCII, so that it survives whatever way it is stored. */
export function compiledText(build: string, sources: readonly Source[], meaning: Meaning): string {
  const compiled: Compiled = {
    build,
    sources: sources.map(({ path, bytes }) => [path, bytes.toString('latin1')]),
    ...meaning,
  };
  return asciiJson(compiled, (_, value) => (value instanceof Map ? { [MAP]: [...value] } : value));
}

/** null where the text was made from anything else, by another agent, or is damaged. */
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
