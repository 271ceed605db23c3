/**
 * The parts of the executable: every npm package with code in it, Node with its own libraries, and the netlink addon.
 * Written as a bill of materials (CycloneDX 1.6), and as Debian's machine-readable copyright file.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { nodeVersion } from './node-binary.ts';

const root = join(import.meta.dirname, '..');

export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; null if the maker states none beside the licences of Node. */
  readonly license: string | null;
  /** The whole text with the lines of copyright; null if the package has none. */
  readonly text: string | null;
  readonly purl: string;
  /** The sha512 that package-lock.json pins, in hexadecimal. */
  readonly sha512: string | null;
}

/** Stripped of its symbols and otherwise as its makers publish it, by way of the npm packages `node-linux-*`. */
const node: Component = {
  name: 'node',
  version: nodeVersion,
  license: null,
  text: null,
  purl: `pkg:generic/node@${nodeVersion}`,
  sha512: null,
};

/** Sorted by name. `metafile`: esbuild's account of the bundle; only what is in its output counts. */
export function components(metafile: Metafile): Component[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const folders = used
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
    .filter((folder) => folder !== undefined);
  // The addon is netlink's, and lies beside the bundle.
  const all = [...new Set([...folders, 'node_modules/netlink'])].sort();
  return [...all.map((folder) => npmPackage(folder, lock[folder])), node];
}

/** `time`: seconds since 1970. */
export function billOfMaterials(all: readonly Component[], version: string, time: number): string {
  const inNode = Object.entries(process.versions).filter(
    ([name]) => name !== 'node' && name !== 'modules' && name !== 'napi',
  );
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': 'holdfast',
        name: 'holdfast',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: [
      ...all.map(({ name, version, license, purl, sha512 }) => ({
        type: 'library',
        'bom-ref': purl,
        name,
        version,
        ...(sha512 === null ? {} : { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
        ...(license === null
          ? {}
          : { licenses: [/ /.test(license) ? { expression: license } : { license: { id: license } }] }),
        purl,
      })),
      ...inNode.map(([name, version]) => ({
        type: 'library',
        'bom-ref': `node/${name}`,
        name,
        version,
        description: 'in Node',
      })),
    ],
    dependencies: [{ ref: 'holdfast', dependsOn: all.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ */
export function copyright(all: readonly Component[]): string {
  const apache = [
    ' The whole text is /usr/share/common-licenses/Apache-2.0 on a Debian system, and',
    ' /usr/share/licenses/holdfast/LICENSE.',
  ];
  const paragraphs = all.map(({ name, license, text }) => {
    const holders =
      text === null
        ? []
        : [
            ...new Set(
              text
                .match(/^\W*Copyright (?:\(c\)|\(C\)|©|\d|[A-Z]).*$/gm)
                ?.map((line) => line.replace(/^\W+/, '').trim()),
            ),
          ];
    const isNode = name === 'node';
    const body = isNode
      ? [' Those of Node and of what is in it: /usr/share/licenses/holdfast/LICENSE.node.']
      : license === 'Apache-2.0' || text === null
        ? apache
        : text
            .trimEnd()
            .split('\n')
            .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`));
    return [
      `Files: node_modules/${isNode ? 'node-linux-*' : name}/*`,
      `Copyright: ${(isNode ? [] : holders.slice(0, 5))[0] ?? `the authors of ${name}`}`,
      ...(isNode ? [] : holders.slice(1, 5).map((line) => ` ${line}`)),
      `License: ${isNode ? 'node' : `${license?.replaceAll(' ', '-') ?? 'unstated'}${license === 'Apache-2.0' ? '' : `-of-${name.replace(/[^a-z0-9.-]/gi, '-')}`}`}`,
      ...body,
    ].join('\n');
  });
  return `${['Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: holdfast', ['Files: *', 'Copyright: the Holdfast authors', 'License: Apache-2.0', ...apache].join('\n'), ...paragraphs].join('\n\n')}\n`;
}

/** The licences of Node and of every library in it. */
export function nodeLicense(): string {
  return readFileSync(join(root, `node_modules/node-linux-${process.arch}/LICENSE`), 'utf8');
}

function npmPackage(folder: string, pinned?: { integrity?: string }): Component {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = globSync('{LICEN[CS]E,licen[cs]e,COPYING}{,.*}', { cwd: join(root, folder) }).sort()[0];
  const sha512 = /^sha512-(.*)$/.exec(pinned?.integrity ?? '')?.[1];
  return {
    name,
    version,
    license: license ?? null,
    text: file && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8') : null,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    sha512: sha512 ? Buffer.from(sha512, 'base64').toString('hex') : null,
  };
}
