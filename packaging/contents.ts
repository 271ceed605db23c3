/** What every package holds: the same tree in the .deb, the .rpm and the tarball. */
import { chmodSync, copyFileSync, globSync, lutimesSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');

export type Family = 'debian' | 'redhat' | 'any';

export interface Content {
  /** From the root of the host, without the leading slash. */
  readonly path: string;
  readonly content: { readonly file: string } | { readonly text: string } | { readonly gzip: string };
  readonly mode: number;
  /** The operator's own once it is there: an upgrade leaves a changed one as it is. */
  readonly configuration?: true;
}

/** Sorted by path. `executable`: the one that the build made for the package's architecture. */
export function contents(executable: string): Content[] {
  const all: Content[] = [
    { path: 'usr/bin/agent', content: { file: executable }, mode: 0o755 },
    { ...copy('packaging/agent.yaml.example', 'etc/holdfast'), configuration: true },
    ...copies('units/*.{service,timer}', 'usr/lib/systemd/system'),
    ...copies('packaging/otelcol/*', 'usr/share/holdfast/otelcol'),
    ...copies('packaging/grafana/*', 'usr/share/holdfast/grafana'),
    ...copies('packaging/prometheus/{prometheus,holdfast.rules}.yml', 'usr/share/holdfast/prometheus'),
    ...copies('docs/*.md', 'usr/share/doc/holdfast'),
    {
      path: 'usr/share/doc/holdfast/changelog.gz',
      content: { gzip: readFileSync(join(root, 'packaging/deb/changelog'), 'utf8') },
      mode: 0o644,
    },
  ];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Writes the tree into an empty folder; every file and folder is of this time (seconds since 1970). */
export function stage(tree: readonly Content[], folder: string, time: number): void {
  const folders = new Set<string>();
  for (const { path, content, mode } of tree) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    for (let above = dirname(path); above !== '.'; above = dirname(above)) folders.add(above);
    if ('file' in content) copyFileSync(content.file, target);
    else writeFileSync(target, 'text' in content ? content.text : gzipSync(content.gzip, { level: 9 }));
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

function copies(pattern: string, to: string): Content[] {
  return globSync(pattern, { cwd: root }).map((file) => copy(file, to));
}

function copy(file: string, to: string): Content {
  return { path: `${to}/${basename(file)}`, content: { file: join(root, file) }, mode: 0o644 };
}
