/**
 * `agent check`: whether files are valid configurations. It needs neither a host nor root, so CI and generators can run
 * it.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { type ConfigError, fileError, formatConfigError } from '../config/config-error.ts';
import { holdsNothing } from '../config/desired.ts';
import { DEFAULT_FILE, DROP_IN_FOLDER, loadConfig } from '../config/load.ts';
import type { ConfigFiles } from '../config/source/config-files.ts';
import { Host } from '../host/host.ts';
import { ownLinkNames } from '../host/netlink/own-link-names.ts';
import type { CommonOptions } from './common-options.ts';
import { bareProblem } from './context/unsaid.ts';
import { EXIT, paint, print, printError, printJson, shown } from './output/output.ts';

export interface CheckOptions extends CommonOptions {
  /** Empty means the host's own configuration. */
  readonly files: readonly string[];
  /** The folder of drop-ins to use in place of the drop-ins beside each file. */
  readonly dropIns?: string;
}

/** Prints every error of every file. Returns the exit status: 1 if there is an error. */
export async function check({ files, dropIns, json = false, quiet = false }: CheckOptions): Promise<number> {
  const named = files.length > 0 ? files : [DEFAULT_FILE];
  const results: { file: string; errors: readonly ConfigError[] }[] = [];
  for (const file of named) results.push({ file, errors: await errorsOf(file, dropIns, files.length === 0) });
  const valid = results.every(({ errors }) => errors.length === 0);
  if (json) {
    printJson({ valid, files: results.map(({ file, errors }) => ({ file, valid: errors.length === 0, errors })) });
    return valid ? EXIT.ok : EXIT.usage;
  }
  for (const { file, errors } of results) {
    if (errors.length === 0 && !quiet) print(`${paint('green', '✓')} ${shown(file)}`);
    for (const error of errors) printError(formatConfigError(error));
  }
  return valid ? EXIT.ok : EXIT.usage;
}

/** `isOwn`: whether the file is this host's own configuration, whose interfaces are here. */
async function errorsOf(file: string, dropIns: string | undefined, isOwn: boolean): Promise<readonly ConfigError[]> {
  const path = resolve(file);
  const loaded = await loadConfig({
    files: withDropIns(path, dropIns),
    file: path,
    asRoot: false,
    ...(isOwn ? { ownNames: (names) => ownLinkNames(new Host(), names) } : {}),
  });
  if (!loaded.ok) return loaded.errors;
  const problem = holdsNothing(loaded.desired) && loaded.desired.hold === undefined ? bareProblem(loaded.daemon) : null;
  return problem === null ? [] : [fileError(path, problem)];
}

/** This machine's files, with the drop-ins shown beside the checked file. A candidate file usually lies elsewhere. */
function withDropIns(file: string, dropIns: string | undefined): ConfigFiles {
  const host = new Host();
  if (dropIns === undefined) return host;
  const beside = join(dirname(file), DROP_IN_FOLDER);
  const real = (path: string) =>
    dirname(path) === beside ? join(resolve(dropIns), basename(path)) : path === beside ? resolve(dropIns) : path;
  return {
    read: (path) => host.read(real(path)),
    list: (folder) => host.list(real(folder)),
    stat: (path) => host.stat(real(path)),
    target: (path) => host.target(real(path)),
  };
}
