/** Only checkers make accepted texts (agent/address/accepted.ts): no other file casts one, or says that a text is one. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../parts/repository.ts';

const TYPES = 'agent/address/accepted.ts';

const CHECKERS: Readonly<Record<string, string>> = {
  'agent/address/address-checks.ts': 'addresses and networks',
  'agent/address/address.ts': 'tells a network from an address, both accepted',
  'agent/address/dotted.ts': 'IPv4 without a library',
  'agent/config/notation/names.ts': 'names of interfaces',
};
const names = [...read(TYPES).matchAll(/^export type (\w+)/gm)].map(([, name]) => name!);

test('accepted: only the checkers make them', () => {
  assert.ok(names.includes('IpAddress') && names.length > 4);
  // A cast or a type guard, of one text or of a list.
  const made = new RegExp(`\\b(?:as|is)\\s+(?:readonly\\s+)?(?:${names.join('|')})\\b`);
  const sources = globSync('{agent,probes,test}/**/*.ts', { cwd: REPOSITORY });
  assert.ok(sources.length > 800);
  const makers = sources.filter((file) => made.test(read(file)));
  assert.deepEqual(makers.sort(), Object.keys(CHECKERS).sort());
});

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}
