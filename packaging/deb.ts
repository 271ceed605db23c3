/** The package for Debian and its kin, by dpkg-deb(1): deb-control(5), deb-conffiles(5), deb-md5sums(5). */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Content, stage } from './contents.ts';

export interface PackageOptions {
  readonly version: string;
  readonly tree: readonly Content[];
  readonly architecture: string;
  /** Seconds since 1970: the time of everything in it. */
  readonly time: number;
  /** The file to write. */
  readonly output: string;
  /** `none` is made in a second, for tests. */
  readonly compression?: 'xz' | 'none';
}

export const DESCRIPTION = {
  summary: "keeps a host's network settings through every lease and reboot",
  text: [
    'Holds resolv.conf, the settings of dhclient and sysctls where the operator put them: now, at the next DHCP lease and at the next boot, without ever bouncing the network.',
    'Tells a collector how close the routing tables of the kernel are to failing.',
    'Nothing on the host is changed before /etc/holdfast/agent.yaml exists.',
  ],
} as const;

export const MAINTAINER = 'The Holdfast authors <holdfast@example.com>';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

export function makeDeb({ version, tree, architecture, time, output, compression = 'xz' }: PackageOptions): void {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-deb-'));
  try {
    stage(tree, folder, time);
    const control = join(folder, 'DEBIAN');
    mkdirSync(control, { mode: 0o755 });
    const write = (name: string, text: string) => writeFileSync(join(control, name), text, { mode: 0o644 });
    write('control', controlFile(version, architecture, installedSize(folder, tree)));
    write('conffiles', lines(tree.filter((one) => one.configuration).map(({ path }) => `/${path}`)));
    write(
      'md5sums',
      lines(tree.filter((one) => !one.configuration).map(({ path }) => `${md5(folder, path)}  ${path}`)),
    );
    for (const name of SCRIPTS) {
      copyFileSync(join(import.meta.dirname, 'deb', name), join(control, name));
      chmodSync(join(control, name), 0o755);
    }
    // xz, since Debian 11 knows no zstd.
    execFileSync('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', folder, output], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of libc and its companions the versions whose symbols the executable binds to; Debian 11 and later have them. */
function controlFile(version: string, architecture: string, kibibytes: number): string {
  return lines([
    'Package: holdfast',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${kibibytes}`,
    'Depends: libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 5.2)',
    // For forwarding.masquerade alone.
    'Recommends: nftables',
    'Section: net',
    'Priority: optional',
    `Description: ${DESCRIPTION.summary}`,
    ...DESCRIPTION.text.flatMap((paragraph, n) => [
      ...(n === 0 ? [] : [' .']),
      ...folded(paragraph).map((line) => ` ${line}`),
    ]),
  ]);
}

/** A paragraph in lines of at most 77 characters. */
export function folded(paragraph: string): string[] {
  return paragraph.match(/\S.{0,76}(?=\s|$)/g) ?? [];
}

/** As dpkg-gencontrol(1) counts: KiB of each file rounded up, and 1 a folder. */
function installedSize(folder: string, tree: readonly Content[]): number {
  const folders = new Set(
    tree.flatMap(({ path }) => path.split('/').map((_, n, parts) => parts.slice(0, n).join('/'))),
  );
  const sizes = tree.map(({ path }) => Math.ceil(readFileSync(join(folder, path)).length / 1024));
  return folders.size + sizes.reduce((sum, size) => sum + size, 0);
}

function md5(folder: string, path: string): string {
  return createHash('md5')
    .update(readFileSync(join(folder, path)))
    .digest('hex');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
