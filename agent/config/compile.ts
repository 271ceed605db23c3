/** The contents of configuration files → desired state: YAML, merge, schema, conflicts, meaning. */
import { createHash } from 'node:crypto';
import type { Source } from './compiled.ts';
import type { ConfigError } from './config-error.ts';
import type { ConfiguredState } from './desired.ts';
import type { DesiredDaemon } from './desired-daemon.ts';
import { findConflicts } from './meaning/conflicts.ts';
import { desiredDaemon } from './meaning/daemon-meaning.ts';
import { desiredState } from './meaning/meaning.ts';
import { sysctlPath } from './notation/sysctl-keys.ts';
import { configSchema, SECTIONS } from './schema/config-schema.ts';
import { exampleAt } from './schema/example.ts';
import { explain } from './source/explain.ts';
import { mergeMaps, plain, type TreeMap, treeOf, valueAt } from './source/tree.ts';
import { readYaml } from './source/yaml.ts';
import { isSecretSysctl, SECRET, withoutSecrets } from './sysctl/secret-sysctls.ts';

export type CompileResult = {
  /** All files in one. */
  readonly tree: TreeMap;
} & (
  | { readonly ok: true; readonly desired: ConfiguredState; readonly daemon: DesiredDaemon; readonly hash: string }
  | { readonly ok: false; readonly errors: readonly ConfigError[] }
);

/** All errors of all files, in the order of files and lines. A file with a syntax error takes no part in the merge. */
export function compile(sources: readonly Source[]): CompileResult {
  const read = sources.map(({ path, bytes }) => readYaml(path, bytes));
  const tree = read.flatMap((result) => result.tree ?? []).reduce(mergeMaps, EMPTY);
  const checked = configSchema.safeParse(plain(tree));
  const secrets = secretsIn(tree);
  const found = [
    ...read.flatMap((result) => result.errors),
    ...(checked.success
      ? []
      : explain(checked.error.issues, { tree, check, conflicts, example: exampleAt, sections: SECTIONS })),
    ...findConflicts(tree),
  ];
  const errors = inOrder(
    sources,
    found.map((error) => withoutSecret(error, secrets)),
  );
  if (errors.length > 0 || !checked.success) return { tree, ok: false, errors };
  const { data } = checked;
  return { tree, ok: true, desired: desiredState(data), daemon: desiredDaemon(data), hash: hashOf(sources) };
}

function check(configuration: unknown) {
  return configSchema.safeParse(configuration).error?.issues ?? [];
}

function conflicts(configuration: unknown): ConfigError[] {
  return findConflicts(treeOf(configuration));
}

const EMPTY: TreeMap = { kind: 'map', at: { file: '', line: 0, column: 0 }, entries: new Map() };

/** Keeps the first of several errors at one place, because the others follow from it. */
function inOrder(sources: readonly Source[], errors: readonly ConfigError[]): ConfigError[] {
  const rank = new Map(sources.map(({ path }, i) => [path, i]));
  const first = new Map<string, ConfigError>();
  for (const error of errors) {
    const place = `${error.file}:${error.line}:${error.column}`;
    if (!first.has(place)) first.set(place, error);
  }
  return [...first.values()].sort(
    (a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  );
}

/** Removes secret values from the text of an error. */
function withoutSecret(error: ConfigError, secrets: readonly string[]): ConfigError {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, SECRET), withoutSecrets(error.message));
  return { ...error, message };
}

/** Values of secret keys, without blanks or quotes around them. */
function secretsIn(tree: TreeMap): string[] {
  const sysctl = valueAt(tree, ['sysctl']);
  if (typeof sysctl !== 'object' || sysctl === null) return [];
  return Object.entries(sysctl).flatMap(([key, rule]) => {
    const value = rule !== null && typeof rule === 'object' && 'value' in rule ? rule.value : rule;
    if (typeof value !== 'string' || !isSecretSysctl(sysctlPath(key))) return [];
    return value.split(/[^\x21-\x7e]+/).filter((part) => part.length > 1);
  });
}

function hashOf(sources: readonly Source[]): string {
  const hash = createHash('sha256');
  for (const { path, bytes } of sources) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
