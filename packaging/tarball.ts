/** The tree for systems without a package: `tar -C / -xJf` puts it in place, and starts and enables nothing. */
import { run } from './workshop.ts';

export interface TarballOptions {
  readonly staged: string;
  /** The names, without a slash, that go into the tarball. */
  readonly top: readonly string[];
  /** The file to write. */
  readonly output: string;
  readonly compression: Compression;
}

/**
 * `none` takes a second and is for tests. xz is known to Debian 11 and RHEL 8, and makes smaller files than their
 * default.
 */
export type Compression = 'xz' | 'none';

/** xz compresses pieces of fixed size, so it gives the same bytes on any number of cores. */
export const XZ = { level: 6, threads: 2 } as const;

const SAME = ['--sort=name', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner'];

/** Names such as `./usr/bin/agent`, but not `./` itself, which would be the host's own root. */
export async function makeTarball({ staged, top, output, compression }: TarballOptions): Promise<void> {
  const compress = compression === 'xz' ? [`--use-compress-program=xz -${XZ.level} -T${XZ.threads}`] : [];
  const names = top.map((name) => `./${name}`);
  await run('tar', ['-cf', output, ...SAME, ...compress, '-C', staged, ...names]);
}
