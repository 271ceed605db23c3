/** Reads lists of expected hosts: one name or id a line, or an Ansible inventory as `ansible-inventory --list` prints it. */
import { readFileSync, statSync } from 'node:fs';

/** The most names of one list, characters of one name, and bytes of a file. */
export const MOST_NAMES = 200_000;
const LONGEST_NAME = 256;
const LONGEST_FILE = 32 * 1024 * 1024;

/** Reads a file. Throws a sentence with the file's name if it cannot be used. */
export function readExpectedFile(file: string): string[] {
  try {
    const { size } = statSync(file);
    if (size > LONGEST_FILE) throw new Error(`it has ${size} bytes, and at most ${LONGEST_FILE} are read`);
    return expectedNames(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be used: ${(error as Error).message}`);
  }
}

/**
 * The names in a text, each once. In a list of lines, `#` begins a comment. Throws a sentence, with the line if there
 * is one.
 */
export function expectedNames(text: string): string[] {
  if (text.trimStart().startsWith('{')) return namesOfInventory(parsed(text));
  const names = text.split('\n').flatMap((line, index) => {
    const name = line.replace(/#.*/, '').trim();
    return name === '' ? [] : [checked(name, `line ${index + 1}`)];
  });
  return bounded(names);
}

/** The names of a list, or of an inventory, that is JSON already. Throws a sentence. */
export function expectedIn(value: unknown): string[] {
  if (!Array.isArray(value)) return namesOfInventory(value);
  return bounded(value.map((name, index) => checked(name, `entry ${index + 1}`)));
}

/** Hosts without variables stand only in their groups, and hosts of no group only in `_meta`. */
function namesOfInventory(inventory: unknown): string[] {
  const groups = Object.entries(object(inventory, 'it'));
  if (!groups.some(([group]) => group === '_meta' || group === 'all'))
    throw new Error('it is JSON, but no Ansible inventory: print one by ansible-inventory --list');
  const names = groups.flatMap(([group, content]) => {
    const of = object(content, group);
    if (group === '_meta') return Object.keys(object(of.hostvars ?? {}, 'hostvars'));
    if (of.hosts === undefined) return [];
    return Array.isArray(of.hosts) ? of.hosts : Object.keys(object(of.hosts, `hosts of ${group}`));
  });
  return bounded(names.map((name) => checked(name, 'the inventory')));
}

function bounded(names: readonly string[]): string[] {
  const all = [...new Set(names)];
  if (all.length > MOST_NAMES) throw new Error(`it has ${all.length} names, and at most ${MOST_NAMES} are taken`);
  return all;
}

function checked(name: unknown, where: string): string {
  const problem =
    typeof name !== 'string'
      ? 'a name that is no text'
      : name.length > LONGEST_NAME
        ? `a name of ${name.length} characters`
        : /^[^\s\p{Cc}]+$/u.test(name)
          ? null
          : 'a name with blanks or control characters: write one host a line';
  if (problem !== null) throw new Error(`${where}: ${problem}`);
  return name as string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it begins as JSON, but is none: ${(error as Error).message}`);
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no JSON object`);
  return value as Record<string, unknown>;
}
