/** The package for RHEL and its kin, by rpmbuild(1). */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DESCRIPTION, folded, MAINTAINER, type PackageOptions } from './deb.ts';
import { XZ } from './tarball.ts';
import { run } from './workshop.ts';

export interface RpmOptions extends PackageOptions {
  /** The tree that `stage` wrote. */
  readonly staged: string;
}

export async function makeRpm(options: RpmOptions): Promise<void> {
  const { version, tree, architecture, time, folder, staged, output, compression } = options;
  const spec = join(folder, 'holdfast.spec');
  writeFileSync(spec, specification({ version, tree, time, staged }));
  const places = { _topdir: folder, _tmppath: folder, _rpmdir: join(folder, 'made') };
  const defines = Object.entries({ ...REPRODUCIBLE, ...places, _binary_payload: PAYLOADS[compression] });
  const define = defines.flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await run('rpmbuild', ['-bb', '--quiet', '--target', architecture, ...define, spec], {
    SOURCE_DATE_EPOCH: String(time),
  });
  renameSync(join(folder, 'made', architecture, basename(output)), output);
}

type SpecificationOptions = Pick<PackageOptions, 'version' | 'tree' | 'time'> & { readonly staged: string };

const REPRODUCIBLE = {
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  _buildhost: 'localhost',
  // strip would break the executable, which contains the program. No other file needs a change by rpmbuild either.
  __os_install_post: '%{nil}',
  debug_package: '%{nil}',
  _build_id_links: 'none',
};

/**
 * Folders that no other package may own. A folder without an owner would stay after a removal, and several packages may
 * own one folder.
 */
function ownFolders(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split('/').slice(0, -1));
  const folders = new Set(parts.flatMap((names) => names.map((_, n) => names.slice(0, n + 1).join('/'))));
  return [...folders]
    .filter((folder) =>
      /\/holdfast(\/|$)|^etc\/iproute2(\/|$)|^usr\/share\/(fish|licenses|lintian|zsh)(\/|$)/.test(folder),
    )
    .sort();
}

const PAYLOADS = { xz: `w${XZ.level}T${XZ.threads}.xzdio`, none: 'w.ufdio' } as const;

function specification({ version, tree, time, staged }: SpecificationOptions): string {
  const scriptlet = (name: string) => [`%${name}`, readFileSync(join(import.meta.dirname, 'rpm', name), 'utf8')];
  return [
    'Name: holdfast',
    `Version: ${version}`,
    'Release: 1',
    `Summary: ${DESCRIPTION.summary.charAt(0).toUpperCase()}${DESCRIPTION.summary.slice(1)}`,
    'License: Apache-2.0',
    'Group: System Environment/Base',
    `Packager: ${MAINTAINER}`,
    // rpm itself finds the versions of libc and its companions that the executable needs.
    '%description',
    DESCRIPTION.text.map((paragraph) => folded(paragraph).join('\n')).join('\n\n'),
    '%install',
    'mkdir -p %{buildroot}',
    `cp -a ${staged}/. %{buildroot}/`,
    ...['post', 'preun', 'postun'].flatMap(scriptlet),
    '%files',
    '%defattr(-,root,root,-)',
    ...ownFolders(tree.map(({ path }) => path)).map((folder) => `%dir %attr(755,root,root) /${folder}`),
    ...tree.map(({ path, mode, configuration }) => {
      return `%attr(${mode.toString(8)},root,root) ${configuration ? '%config(noreplace) ' : ''}/${path}`;
    }),
    '%changelog',
    `* ${new Date(time * 1000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+).*/, '$1 $3 $2 $4')} ${MAINTAINER} - ${version}-1`,
    '- See /usr/share/doc/holdfast/changelog.gz',
    '',
  ].join('\n');
}
