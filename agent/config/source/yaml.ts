/**
 * One YAML 1.2 file (core schema) → a tree with positions. YAML features beyond plain maps, lists and scalars are
 * refused: with them, files that look the same to a person can mean different things.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { type ConfigError, fileError, type Position } from '../config-error.ts';
import { lineProblem, typographyProblem } from '../hints/slips.ts';
import type { Tree, TreeMap } from './tree.ts';

/** Far above any real configuration (about 100 bytes a setting); this limits the cost of a hostile file. */
export const MAX_FILE_BYTES = 256 * 1024;

export interface YamlResult {
  /** null if the file has a syntax error, or holds no map. */
  readonly tree: TreeMap | null;
  readonly errors: readonly ConfigError[];
}

/** Never throws. A file that is empty, or holds only comments, is an empty map. */
export function readYaml(file: string, bytes: Buffer): YamlResult {
  if (bytes.length > MAX_FILE_BYTES) {
    return failed(fileError(file, `has ${bytes.length} bytes; at most ${MAX_FILE_BYTES} are read`));
  }
  const text = decode(bytes);
  if (text === null) return failed(fileError(file, 'is not UTF-8 text; save it as UTF-8'));
  try {
    return parse(file, text);
  } catch (error) {
    if (error instanceof RangeError) return failed(fileError(file, 'is nested too deeply'));
    throw error;
  }
}

function failed(...errors: ConfigError[]): YamlResult {
  return { tree: null, errors };
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parse(file: string, text: string): YamlResult {
  const lines = new LineCounter();
  const errors: ConfigError[] = [];
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report = (offset: number, message: string, path = '') => {
    errors.push({ ...position(offset), path, message });
  };

  // `schema` overrules a `%YAML 1.1` line, with which `no` would be false. Keys are compared below, with a better
  // message. yaml's own warnings (an unknown tag …) are errors here, so yaml must return them and not print them.
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const line = text.split('\n')[position(pos[0]).line - 1] ?? '';
    const slip = typographyProblem(line.trim()) ?? lineProblem(line);
    report(pos[0], slip ?? SAID_BETTER[code] ?? `not valid YAML: ${message}`);
  }
  if (errors.length > 0) return failed(...errors);

  const root = document.contents;
  const empty: TreeMap = { kind: 'map', at: position(0), entries: new Map() };
  if (root === null || (isScalar(root) && root.value === null && !root.source)) return { tree: empty, errors };
  if (!isMap(root)) {
    report(root.range[0], 'write a map of settings, such as "dns:" with the settings below it');
    return failed(...errors);
  }
  return { tree: mapTree(root, ''), errors };

  function tree(node: ParsedNode | null, path: string, fallback: number): Tree {
    if (isMap(node)) return mapTree(node, path);
    const at = position(node?.range[0] ?? fallback);
    if (isSeq(node)) {
      const items = node.items.map((item, i) => tree(item as ParsedNode | null, `${path}[${i}]`, node.range![0]));
      return { kind: 'list', at, items };
    }
    if (isAlias(node)) {
      report(
        node.range[0],
        `aliases (*${node.source}) are not supported; write the value out, or "*…" in quotes`,
        path,
      );
      return { kind: 'scalar', at, value: '' };
    }
    if (!isScalar(node)) return { kind: 'scalar', at, value: null };
    const { value, source } = node;
    const slip = node.type === 'PLAIN' ? typographyProblem(source ?? '') : undefined;
    if (slip !== undefined) report(node.range[0], slip, path);
    if (typeof value === 'string' || typeof value === 'boolean') return { kind: 'scalar', at, value };
    if (typeof value !== 'number') return { kind: 'scalar', at, value: null };
    return { kind: 'scalar', at, value: number(value, source ?? String(value), node.range[0], path) };
  }

  /** An integer beyond a number's precision stays text, because /proc/sys takes any digits. */
  function number(value: number, source: string, offset: number, path: string): number | string {
    if (/^(0|-?[1-9][0-9]*)$/.test(source)) return Number.isSafeInteger(value) ? value : source;
    const decimal = Number.isSafeInteger(value) ? `write ${value}` : 'write a plain decimal integer';
    report(offset, `${source} is a number to YAML; ${decimal}, or put it in quotes if you mean text`, path);
    return source;
  }

  function mapTree(
    map: { items: readonly { key: unknown; value: unknown }[]; range?: unknown },
    path: string,
  ): TreeMap {
    const start = (map.range as [number, number, number])[0];
    const entries = new Map<string, { at: Position; value: Tree }>();
    for (const pair of map.items) {
      const key = pair.key as ParsedNode | null;
      const offset = key?.range[0] ?? start;
      const name = isScalar(key) ? String(key.source ?? key.value ?? '') : null;
      const below = path === '' ? `${name}` : `${path}.${name}`;
      const value = tree(pair.value as ParsedNode | null, below, offset);
      const earlier = name === null ? undefined : entries.get(name);
      const slip = isScalar(key) && key.type === 'PLAIN' ? typographyProblem(name ?? '') : undefined;
      if (slip !== undefined) report(offset, slip);
      if (name === null) report(offset, 'a key must be a plain word', path);
      else if (name === '<<') report(offset, 'merge keys (<<) are not supported; write the settings out', path);
      else if (name === '__proto__') report(offset, 'unknown key', below);
      else if (earlier) report(offset, `is set in line ${earlier.at.line} already; keep one of them`, below);
      else entries.set(name, { at: position(offset), value });
    }
    return { kind: 'map', at: position(start), entries };
  }
}

const SAID_BETTER: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here (---); put it into a file of its own in agent.d',
  TAG_RESOLVE_FAILED: 'unknown tag (!…); write the plain value',
  BLOCK_AS_IMPLICIT_KEY:
    'two keys in one line; write the second one in the next line, as far indented as the keys beside it',
  TAB_AS_INDENT: 'a tab; YAML indents with blanks only',
};
