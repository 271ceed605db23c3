/** The package for Debian and its kin: deb(5), deb-control(5), deb-conffiles(5), deb-md5sums(5). */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, lutimesSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, type Content } from './contents.ts';
import { type Compression, makeTarball } from './tarball.ts';

export interface PackageOptions {
  readonly version: string;
  readonly tree: readonly Content[];
  readonly architecture: string;
  /** The time of every file in the package, in seconds since 1970. */
  readonly time: number;
  /** A folder to work in. */
  readonly folder: string;
  /** The file to write. */
  readonly output: string;
  readonly compression: Compression;
}

export const DESCRIPTION = {
  summary: "keeps a host's network settings through every lease and reboot",
  text: [
    'Holds resolv.conf, the settings of dhclient and sysctls where the operator put them: now, at the next DHCP lease and at the next boot, without ever bouncing the network.',
    'Tells a collector how close the routing tables of the kernel are to failing.',
    'Nothing on the host is changed before /etc/holdfast/agent.yaml exists.',
  ],
} as const;

/**
 * A placeholder, because example.com has no owner (RFC 2606). A publisher of packages writes a real address here and in
 * packaging/deb/changelog.
 */
export const MAINTAINER = 'The Holdfast authors <holdfast@example.com>';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

export interface DebOptions extends PackageOptions {
  /** The tarball of `makeTarball` with the same compression, whose compressed data is used unchanged. */
  readonly tarball: string;
}

export async function makeDeb(options: DebOptions): Promise<void> {
  const { version, tree, architecture, time, folder, output, compression, tarball } = options;
  const staged = join(folder, 'control');
  mkdirSync(staged);
  const texts = {
    control: controlFile(version, architecture, installedSize(tree)),
    conffiles: lines(tree.filter((one) => one.configuration).map(({ path }) => `/${path}`)),
    md5sums: lines(tree.filter((one) => !one.configuration).map((one) => `${md5(one)}  ${one.path}`)),
  };
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(staged, name), text);
    chmodSync(join(staged, name), 0o644);
  }
  for (const name of SCRIPTS) {
    copyFileSync(join(import.meta.dirname, 'deb', name), join(staged, name));
    chmodSync(join(staged, name), 0o755);
  }
  const names = [...Object.keys(texts), ...SCRIPTS];
  for (const name of names) lutimesSync(join(staged, name), time, time);
  const control = join(folder, 'control.tar');
  await makeTarball({ staged, top: names, output: control, compression });
  const extension = { xz: '.xz', none: '' }[compression];
  const members = {
    'debian-binary': Buffer.from('2.0\n'),
    [`control.tar${extension}`]: readFileSync(control),
    [`data.tar${extension}`]: readFileSync(tarball),
  };
  writeFileSync(output, archive(members, time));
}

/** The ar format, as deb(5) describes it. */
function archive(members: Readonly<Record<string, Buffer>>, time: number): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, content] of Object.entries(members)) {
    const fields = [
      name.padEnd(16),
      `${time}`.padEnd(12),
      '0     ',
      '0     ',
      '100644  ',
      `${content.length}`.padEnd(10),
    ];
    parts.push(Buffer.from(`${fields.join('')}\`\n`), content, Buffer.from(content.length % 2 === 0 ? '' : '\n'));
  }
  return Buffer.concat(parts);
}

/** The versions of libc and its companions whose symbols the executable needs. Debian 11 and later have them. */
function controlFile(version: string, architecture: string, kibibytes: number): string {
  return lines([
    'Package: holdfast',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${kibibytes}`,
    'Depends: libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 5.2)',
    // For forwarding.masquerade only; apt would install a recommended package with five others on every host.
    'Suggests: nftables',
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

/** Counts like dpkg-gencontrol(1): the KiB of each file rounded up, and 1 for each folder. */
function installedSize(tree: readonly Content[]): number {
  const folders = new Set(
    tree.flatMap(({ path }) => path.split('/').map((_, n, parts) => parts.slice(0, n).join('/'))),
  );
  const sizes = tree.map((one) => Math.ceil(bytes(one).length / 1024));
  return folders.size + sizes.reduce((sum, size) => sum + size, 0);
}

function md5(one: Content): string {
  return createHash('md5').update(bytes(one)).digest('hex');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
