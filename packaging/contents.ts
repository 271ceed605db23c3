/** The content of every package: the same tree in the .deb, the .rpm and the tarball. */
import { chmodSync, globSync, lutimesSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { jsonSchema } from '../agent/config/schema/config-schema.ts';
import { HOLDFAST } from '../agent/host/netlink/table-names.ts';
import { bash, fish, zsh } from './completions.ts';
import { commandPage, configurationPage } from './man.ts';
import { billOfMaterials, type Component, copyright, nodeLicense } from './sbom.ts';
import { program } from './whole-program.ts';

const root = join(import.meta.dirname, '..');

/** Folders of packaging/ that tools of configuration management take as they are: `roles_path=/usr/share/holdfast/ansible`. */
const CM = ['ansible', 'puppet', 'salt'];

export interface Content {
  /** The path from the root of the host, without the leading slash. */
  readonly path: string;
  readonly content: { readonly file: string } | { readonly text: string } | { readonly gzip: string };
  readonly mode: number;
  /** Whether the installed file belongs to the operator: an upgrade keeps a changed file. */
  readonly configuration?: true;
}

export interface ContentOptions {
  /** The executable for the package's architecture. */
  readonly executable: string;
  readonly version: string;
  /** The date of the manual pages, in seconds since 1970. */
  readonly time: number;
  /** The parts of the executable. */
  readonly parts: readonly Component[];
}

/** Sorted by path. */
export function contents({ executable, version, time, parts }: ContentOptions): Content[] {
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  const all: Content[] = [
    ...generated({
      'usr/share/doc/holdfast/changelog.gz': readFileSync(join(root, 'packaging/deb/changelog'), 'utf8'),
      'usr/share/man/man8/agent.8.gz': commandPage(program, version, date),
      // The example has the package's name, because people look for that name first.
      'usr/share/man/man8/holdfast.8.gz': '.so man8/agent.8\n',
      'usr/share/man/man5/agent.yaml.5.gz': configurationPage(jsonSchema(), version, date),
      'usr/share/doc/holdfast/copyright': copyright(parts),
      'usr/share/doc/holdfast/holdfast.cdx.json': billOfMaterials(parts, version, time),
      'usr/share/licenses/holdfast/LICENSE.node': nodeLicense(),
      'usr/share/bash-completion/completions/agent': bash(program),
      'usr/share/zsh/vendor-completions/_agent': zsh(program),
      'usr/share/fish/vendor_completions.d/agent.fish': fish(program),
    }),
    { path: 'usr/bin/agent', content: { file: executable }, mode: 0o755 },
    { ...copy('packaging/agent.yaml.example', 'etc/holdfast'), configuration: true },
    // With this file `ip route` shows that our routes are Holdfast's.
    {
      path: 'etc/iproute2/rt_protos.d/holdfast.conf',
      content: { text: `${HOLDFAST} holdfast\n` },
      mode: 0o644,
      configuration: true,
    },
    {
      path: 'usr/share/lintian/overrides/holdfast',
      content: { file: join(root, 'packaging/deb/lintian-overrides') },
      mode: 0o644,
    },
    copy('LICENSE', 'usr/share/licenses/holdfast'),
    ...copies('units/*.{service,timer}', 'usr/lib/systemd/system'),
    { ...copy('units/holdfast-generator', 'usr/lib/systemd/system-generators'), mode: 0o755 },
    ...copies('packaging/otelcol/*', 'usr/share/holdfast/otelcol'),
    ...copies('packaging/grafana/*', 'usr/share/holdfast/grafana'),
    ...copies('packaging/prometheus/{prometheus,holdfast.rules}.yml', 'usr/share/holdfast/prometheus'),
    ...CM.flatMap((tool) => tree(`packaging/${tool}`, `usr/share/holdfast/${tool}`)),
    ...copies('docs/*.{md,svg}', 'usr/share/doc/holdfast'),
  ];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The bytes of a file in the package. */
export function bytes({ content }: Content): Buffer {
  if ('file' in content) return readFileSync(content.file);
  return 'text' in content ? Buffer.from(content.text) : gzipSync(content.gzip, { level: 9 });
}

/** Writes the tree into an empty folder. Every file and folder gets this time (seconds since 1970). */
export function stage(tree: readonly Content[], folder: string, time: number): void {
  const folders = new Set<string>();
  for (const one of tree) {
    const { path, mode } = one;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    for (let above = dirname(path); above !== '.'; above = dirname(above)) folders.add(above);
    writeFileSync(target, bytes(one));
    chmodSync(target, mode);
    lutimesSync(target, time, time);
  }
  for (const one of [...folders].sort().reverse()) {
    chmodSync(join(folder, one), 0o755);
    lutimesSync(join(folder, one), time, time);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, time, time);
}

function generated(texts: Record<string, string>): Content[] {
  return Object.entries(texts).map(([path, text]) => {
    return { path, content: path.endsWith('.gz') ? { gzip: text } : { text }, mode: 0o644 };
  });
}

function tree(folder: string, to: string): Content[] {
  const files = globSync(`${folder}/**/*.*`, { cwd: root });
  return files.map((file) => copy(file, dirname(join(to, relative(folder, file)))));
}

function copies(pattern: string, to: string): Content[] {
  return globSync(pattern, { cwd: root }).map((file) => copy(file, to));
}

function copy(file: string, to: string): Content {
  return { path: `${to}/${basename(file)}`, content: { file: join(root, file) }, mode: 0o644 };
}
