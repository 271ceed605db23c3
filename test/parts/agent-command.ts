/** Which program is `agent` in the tests. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './repository.ts';

const BUILT = join(REPOSITORY, 'dist/agent');

/**
 * HOLDFAST_AGENT, else the executable if it is newer than the sources, because it starts faster than they do: twenty
 * daemons start in 20 s of processor time, and in 90 s as sources. Else the sources.
 */
export function agentCommand(): string {
  if (process.env.HOLDFAST_AGENT) return process.env.HOLDFAST_AGENT;
  const sources = globSync('{agent,probes}/**/*.ts', { cwd: REPOSITORY });
  const changed = Math.max(...sources.map((file) => statSync(join(REPOSITORY, file)).mtimeMs));
  const built = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return built > changed ? BUILT : sourcesCommand();
}

export function sourcesCommand(): string {
  return `${process.execPath} ${REPOSITORY}/agent/cli.ts`;
}
