/**
 * A disk with a Debian and Debian's own kernel on it, made once from packages and never written to afterwards. Its one
 * addition is a service that runs what the test says (channel.sh).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianSystem, type Suite } from '../parts/lab/debian.ts';

/** What every disk has beside a minimal Debian. */
const PACKAGES = ['linux-image-amd64', 'systemd', 'systemd-sysv', 'udev', 'dbus', 'iproute2', 'procps'];

export interface Image {
  /** The file of the disk, an ext4 file system without partitions; and what boots it. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Takes some minutes the first time. Throws if it cannot be made. */
export function debianImage(suite: Suite, packages: readonly string[]): Image {
  const tree = debianSystem(suite, [...PACKAGES, ...packages]);
  const disk = `${tree}-${additions()}.ext4`;
  if (!existsSync(disk)) makeDisk(tree, disk);
  return { disk, kernel: only(tree, 'vmlinuz-*'), initrd: only(tree, 'initrd.img-*') };
}

/** A disk with other additions is another one. */
function additions(): string {
  const files = ['image.sh', 'channel.sh', 'channel.service'].map((name) => join(import.meta.dirname, name));
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

/** In a mount namespace of its own, on an overlay of the tree: an interrupted one leaves no mount behind. */
function makeDisk(tree: string, disk: string): void {
  const folder = mkdtempSync(`${disk}.`);
  const made = join(folder, 'disk');
  try {
    const script = join(import.meta.dirname, 'image.sh');
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', script, tree, made], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`no disk could be made: ${stdout}${stderr}`);
    for (const old of globSync(`${tree}-*.ext4`)) rmSync(old);
    renameSync(made, disk);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function only(tree: string, pattern: string): string {
  const [file] = globSync(join(tree, 'boot', pattern));
  if (file === undefined) throw new Error(`${tree}/boot has no ${pattern}`);
  return file;
}
