/**
 * The configuration stage: files → desired state, or every error in them. This stage reads nothing else of the host, except by
 * `ownNames`.
 */
import { basename, dirname, join } from 'node:path';
import type { CompileResult } from './compile.ts';
import { compiledText, fromCompiled, type Meaning, type Source } from './compiled.ts';
import { type ConfigError, fileError } from './config-error.ts';
import type { OwnNames } from './meaning/interface-places.ts';
import type { ConfigFiles } from './source/config-files.ts';
import { trustErrors } from './source/trust.ts';

export const DEFAULT_FILE = '/etc/holdfast/agent.yaml';

/** The folder beside the configuration file, whatever the file's name is. */
export const DROP_IN_FOLDER = 'agent.d';

/** Names of files that are probably meant as configuration, in upper or lower case. */
const IN_YAML = /\.ya?ml$/i;

const MISSING = 'does not exist; `agent init` writes one';

export interface LoadOptions {
  readonly files: ConfigFiles;
  /** Absolute. It must exist; `agent.d/*.yaml` beside it are merged into it in name order. */
  readonly file?: string;
  /** Refuse files that other users than root may write. */
  readonly asRoot: boolean;
  /** A missing file is no error, for commands that change nothing. */
  readonly optional?: boolean;
  /**
   * The compiled form from an earlier load, and the build of the asking agent. Pass it only from a place that only the
   * agent's own user can write: it is not checked again.
   */
  readonly compiled?: { readonly build: string; readonly text: string | null };
  /**
   * Refuse alternative names of interfaces. A configuration with a compiled form was accepted before: it stays valid if an
   * interface gets an alternative name later.
   */
  readonly ownNames?: OwnNames | undefined;
}

export type LoadResult = LoadedConfig | { readonly ok: false; readonly errors: readonly ConfigError[] };

export interface LoadedConfig extends Meaning {
  readonly ok: true;
  /** In the order in which they were merged; empty only with `optional`. */
  readonly files: readonly string[];
  /** The same files with their bytes. */
  readonly sources: readonly Source[];
  /**
   * The compiled form to keep for the next load. null if the given form is still good, or if none was asked for.
   */
  readonly compiled: string | null;
}

export async function loadConfig({
  files,
  file = DEFAULT_FILE,
  asRoot,
  optional = false,
  compiled,
  ownNames,
}: LoadOptions): Promise<LoadResult> {
  const { sources, errors } = optional && isUnconfigured(files, file) ? NOTHING : readSources(files, file, asRoot);
  const names = sources.map(({ path }) => path);

  if (errors.length === 0 && compiled?.text) {
    const known = fromCompiled(compiled.text, compiled.build, sources);
    if (known) return { ok: true, ...known, files: names, sources, compiled: null };
  }

  // Imported here, because loading the YAML parser and the schema takes longer than everything else.
  const { compile } = await import('./compile.ts');
  const result = compile(sources);
  const found = await inMeaning(result, ownNames);
  if (errors.length + found.length > 0 || !result.ok) return { ok: false, errors: [...errors, ...found] };
  const { desired, daemon, hash } = result;
  const keep = compiled ? compiledText(compiled.build, sources, { desired, daemon, hash }) : null;
  return { ok: true, desired, daemon, files: names, sources, hash, compiled: keep };
}

/** The errors of the whole configuration. */
async function inMeaning(result: CompileResult, ownNames: OwnNames | undefined): Promise<readonly ConfigError[]> {
  const errors = result.ok ? [] : result.errors;
  if (ownNames === undefined) return errors;
  const { withOwnNames } = await import('./meaning/interface-places.ts');
  return withOwnNames(result.tree, errors, ownNames);
}

const NOTHING = { sources: [], errors: [] };

/** Whether the host has no configuration file, not even one with a misspelt name. */
function isUnconfigured(files: ConfigFiles, file: string): boolean {
  try {
    const dropIns = files.list(join(dirname(file), DROP_IN_FOLDER)).filter((name) => IN_YAML.test(name));
    return !isNamed(files, file) && dropIns.length === 0 && misnamed(files, file) === null;
  } catch {
    return false; // the path cannot be inspected; reading it reports why
  }
}

/** Whether the name exists, even as a link without a target. */
function isNamed(files: ConfigFiles, file: string): boolean {
  return files.list(dirname(file)).includes(basename(file));
}

/** The name of a similar file beside the missing one; null if there is none. */
function misnamed(files: ConfigFiles, file: string): string | null {
  const stems = [basename(file).replace(/\.[^.]*$/, ''), 'holdfast', 'config'];
  const meant = (name: string) => IN_YAML.test(name) && stems.includes(name.replace(/\.[^.]*$/, '').toLowerCase());
  return files.list(dirname(file)).find((name) => name !== basename(file) && meant(name)) ?? null;
}

function missing(files: ConfigFiles, file: string): string {
  const other = misnamed(files, file);
  return other === null ? MISSING : `does not exist, and ${other} beside it is not read; name that ${basename(file)}`;
}

function readSources(files: ConfigFiles, file: string, asRoot: boolean): { sources: Source[]; errors: ConfigError[] } {
  const sources: Source[] = [];
  const errors: ConfigError[] = [];
  const folder = join(dirname(file), DROP_IN_FOLDER);

  const names = attempt(folder, () => files.list(folder)) ?? [];
  const wrong = names.filter((name) => IN_YAML.test(name) && !name.endsWith('.yaml') && !name.startsWith('.'));
  errors.push(
    ...wrong.map((name) => fileError(join(folder, name), `is not read; name it ${name.replace(/\.[^.]*$/, '.yaml')}`)),
  );
  const dropIns = names.filter((name) => name.endsWith('.yaml') && !name.startsWith('.'));

  for (const path of [file, ...dropIns.map((name) => join(folder, name))]) {
    const untrusted = asRoot ? attempt(path, () => trustErrors(files, path)) : [];
    if (untrusted === null || untrusted.length > 0) {
      errors.push(...(untrusted ?? []));
      continue;
    }
    const bytes = attempt(path, () => files.read(path) ?? 'missing');
    if (bytes === 'missing')
      errors.push(
        fileError(path, isNamed(files, path) ? 'is a symbolic link to a missing file' : missing(files, path)),
      );
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
