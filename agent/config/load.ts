/** The configuration stage: files → desired state, or every error in them. It looks at nothing else of the host. */
import { dirname, join } from 'node:path';
import { compiledText, fromCompiled, type Meaning, type Source } from './compiled.ts';
import { type ConfigError, fileError } from './errors.ts';
import type { ConfigFiles } from './files.ts';
import { trustErrors } from './trust.ts';

export const DEFAULT_FILE = '/etc/holdfast/agent.yaml';

/** Beside the configuration file, whatever that one is called. */
export const DROP_IN_FOLDER = 'agent.d';

const MISSING = 'does not exist; `agent init` writes one';

export interface LoadOptions {
  readonly files: ConfigFiles;
  /** Absolute. It must exist; `agent.d/*.yaml` beside it are merged into it in name order. */
  readonly file?: string;
  /** Refuse what others than root may write. */
  readonly asRoot: boolean;
  /**
   * What an earlier load gave to keep, and which build of the agent asks. Give it only from where no one but the
   * agent's own user can write: it is not checked again.
   */
  readonly compiled?: { readonly build: string; readonly text: string | null };
}

export type LoadResult =
  | (Meaning & {
      readonly ok: true;
      /** In the order in which they were merged. */
      readonly files: readonly string[];
      /** To keep for the next load; null where what was given is still good, or nothing was asked for. */
      readonly compiled: string | null;
    })
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

export async function loadConfig({ files, file = DEFAULT_FILE, asRoot, compiled }: LoadOptions): Promise<LoadResult> {
  const { sources, errors } = readSources(files, file, asRoot);
  const names = sources.map(({ path }) => path);

  if (errors.length === 0 && compiled?.text) {
    const known = fromCompiled(compiled.text, compiled.build, sources);
    if (known) return { ok: true, ...known, files: names, compiled: null };
  }

  // Here and not above: loading YAML parser and schema takes longer than all the rest.
  const { compile } = await import('./compile.ts');
  const result = compile(sources);
  if (errors.length > 0 || !result.ok) return { ok: false, errors: [...errors, ...(result.ok ? [] : result.errors)] };
  const { desired, daemon, hash } = result;
  const keep = compiled ? compiledText(compiled.build, sources, { desired, daemon, hash }) : null;
  return { ok: true, desired, daemon, files: names, hash, compiled: keep };
}

function readSources(files: ConfigFiles, file: string, asRoot: boolean): { sources: Source[]; errors: ConfigError[] } {
  const sources: Source[] = [];
  const errors: ConfigError[] = [];
  const folder = join(dirname(file), DROP_IN_FOLDER);

  const names = attempt(folder, () => files.list(folder)) ?? [];
  const misnamed = names.filter((name) => name.endsWith('.yml'));
  errors.push(
    ...misnamed.map((name) => fileError(join(folder, name), `is not read; name it ${name.slice(0, -3)}yaml`)),
  );
  const dropIns = names.filter((name) => name.endsWith('.yaml') && !name.startsWith('.'));

  for (const path of [file, ...dropIns.map((name) => join(folder, name))]) {
    const untrusted = asRoot ? attempt(path, () => trustErrors(files, path)) : [];
    if (untrusted === null || untrusted.length > 0) {
      errors.push(...(untrusted ?? []));
      continue;
    }
    const bytes = attempt(path, () => files.read(path) ?? 'missing');
    if (bytes === 'missing') errors.push(fileError(path, path === file ? MISSING : 'is a link that leads nowhere'));
    else if (bytes !== null) sources.push({ path, bytes });
  }
  return { sources, errors };

  function attempt<T>(path: string, deed: () => T): T | null {
    try {
      return deed();
    } catch (error) {
      errors.push(fileError(path, error instanceof Error ? error.message : String(error)));
      return null;
    }
  }
}
