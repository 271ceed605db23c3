/** The floors of the program: no import runs upward, none runs in a circle. Type imports count. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** Each folder, and the folders beside its own that it may import. */
const floors: Record<string, string[]> = {
  'agent/host': [],
  'agent/config': ['agent/dhclient'], // the table of dhclient's options
  'agent/dhclient': ['agent/host', 'agent/config', 'agent/resolver'],
  'agent/resolver': ['agent/host', 'agent/config'],
  'agent/clients': ['agent/host', 'agent/config', 'agent/dhclient', 'agent/resolver'],
  'agent/metadata': ['agent/host', 'agent/config'],
  'agent/egress': ['agent/host', 'agent/config', 'agent/dhclient'],
  'agent/resources': [
    'agent/egress',
    'agent/host',
    'agent/config',
    'agent/dhclient',
    'agent/resolver',
    'agent/clients',
    'agent/metadata',
  ],
  'agent/doctor': [
    'agent/host',
    'agent/config',
    'agent/dhclient',
    'agent/resolver',
    'agent/clients',
    'agent/metadata',
    'agent/resources',
  ],
  'agent/rehearse': ['agent/host', 'agent/config', 'agent/dhclient', 'agent/resolver', 'agent/resources'],
  'agent/restart': ['agent/host', 'agent/config', 'agent/dhclient', 'agent/resolver', 'agent/rehearse'],
  'agent/nearest': ['agent/host', 'agent/config'],
  probes: ['agent/host', 'agent/config', 'agent/dhclient', 'agent/resolver', 'agent/nearest', 'agent/metadata'],
};
const upper = ['agent/daemon', 'agent/report', 'agent/collector', 'agent/commands', 'agent'];
for (const [floor, name] of upper.entries()) {
  const beside = upper.slice(0, name === 'agent' || name === 'agent/commands' ? floor : 3);
  floors[name] = [...Object.keys(floors).filter((below) => !upper.includes(below)), ...beside];
}

const sources = globSync('{agent,probes}/**/*.ts', { cwd: root });
const graph = new Map(sources.map((file) => [file, importsOf(file)]));

test('no import runs upward', () => {
  assert.ok(sources.length > 10);
  const wrong: string[] = [];
  for (const [file, imports] of graph) {
    const own = floorOf(file);
    for (const imported of imports) {
      const other = floorOf(imported);
      if (other !== own && !floors[own]?.includes(other)) wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no import runs in a circle', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: string[]) => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
    if (trail.includes(file) || done.has(file)) return;
    for (const imported of graph.get(file) ?? []) visit(imported, [...trail, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  assert.deepEqual(circles, []);
});

test('docs/architecture.md names every folder that has a floor', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const missing = Object.keys(floors).filter((folder) => folder !== 'agent' && !page.includes(`\`${folder}\``));
  assert.deepEqual(missing, []);
});

/** Paths of our own files that `file` imports, of types and dynamically too; package.json is nobody's floor. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport)[\s(]*'(\.[^']+\.ts)'/g);
  return [...found].map(([, path]) => normalize(join(dirname(file), path ?? '')));
}

/** The folder that has a floor: files in folders below it belong to it. */
function floorOf(file: string): string {
  const folder = dirname(file);
  return folder === '.' || folder in floors ? folder : floorOf(folder);
}
