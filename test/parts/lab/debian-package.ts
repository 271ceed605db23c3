/** Packages that cannot be installed beside others of this machine: their files are taken from Debian's archive. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A package's file, from Debian's archive by apt; null if there is none. */
export async function debianPackage(name: string): Promise<Buffer | null> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'));
  try {
    execFileSync('apt-get', ['-q', 'download', name], { cwd: folder, stdio: 'ignore' });
    const [file] = await readdir(folder);
    return file === undefined ? null : await readFile(join(folder, file));
  } catch {
    return null;
  } finally {
    await rm(folder, { recursive: true });
  }
}
