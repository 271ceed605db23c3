/** The same tree for every other system: `tar -C / -xJf` puts it in place; it starts and enables nothing. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stage } from './contents.ts';
import type { PackageOptions } from './deb.ts';

export function makeTarball({ tree, time, output }: PackageOptions): void {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tar-'));
  try {
    stage(tree, folder, time);
    const same = ['--sort=name', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner'];
    const top = [...new Set(tree.map(({ path }) => path.slice(0, path.indexOf('/'))))].sort();
    execFileSync('tar', ['-cJf', output, ...same, '-C', folder, ...top], { stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
