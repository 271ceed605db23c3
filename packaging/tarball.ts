/** The tree for every system without a package of its own: `tar -C / -xJf` puts it in place; it starts and enables nothing. */
import { run } from './workshop.ts';

export interface TarballOptions {
  readonly staged: string;
  /** What of it goes in: names without a slash. */
  readonly top: readonly string[];
  /** The file to write. */
  readonly output: string;
  readonly compression: Compression;
}

/** `none` is made in a second, for tests. xz, since Debian 11 and RHEL 8 know it, and it is smaller than what they prefer. */
export type Compression = 'xz' | 'none';

/** In pieces, which xz may work on at once: then it gives the same bytes on machines with however many cores. */
export const XZ = { level: 6, threads: 2 } as const;

const SAME = ['--sort=name', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner'];

/** `./usr/bin/agent` and so on, but not `./` itself, which would be the host's own root. */
export async function makeTarball({ staged, top, output, compression }: TarballOptions): Promise<void> {
  const compress = compression === 'xz' ? [`--use-compress-program=xz -${XZ.level} -T${XZ.threads}`] : [];
  const names = top.map((name) => `./${name}`);
  await run('tar', ['-cf', output, ...SAME, ...compress, '-C', staged, ...names]);
}
