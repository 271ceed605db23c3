/** The package that the tools install: as `npm run package` makes it, of the executable that was just built. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/context/version.ts';
import type { Arch } from '../../packaging/node-binary.ts';
import { makePackages } from '../../packaging/package.ts';
import type { LabSystem } from '../parts/lab/system.ts';
import { builtAgent } from '../systems/machine.ts';

/** The package on the host, where an operator might have copied it. */
export const PACKAGE = '/srv/holdfast.deb';
/** A version that dpkg takes for a later one. */
export const NEXT_VERSION = `${VERSION}+next`;

/** Puts the package of this version, or of another, in the place that the documents name. */
export async function bringPackage(host: LabSystem, version = VERSION): Promise<void> {
  await host.write(PACKAGE, (await debOf(version)).file);
}

/** Gives the host a repository with the package, and no other. */
export async function bringRepository(host: LabSystem): Promise<void> {
  const { file, fields } = await debOf(VERSION);
  const sha256 = createHash('sha256').update(file).digest('hex');
  await host.write('/srv/repository/holdfast.deb', file);
  await host.write(
    '/srv/repository/Packages',
    `${fields}Filename: ./holdfast.deb\nSize: ${file.length}\nSHA256: ${sha256}\n`,
  );
  await host.write('/etc/apt/sources.list', 'deb [trusted=yes] file:/srv/repository ./\n');
  await host.sh('rm -rf /etc/apt/sources.list.d/*; apt-get update');
}

interface Deb {
  readonly file: Buffer;
  /** The text of its control file. */
  readonly fields: string;
}

const made = new Map<string, Promise<Deb>>();

function debOf(version: string): Promise<Deb> {
  const deb = made.get(version) ?? makeDeb(version);
  made.set(version, deb);
  return deb;
}

async function makeDeb(version: string): Promise<Deb> {
  const executable = await builtAgent();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cm-'));
  try {
    const options = { version, executable, compression: 'none' } as const;
    const [path = ''] = await makePackages(process.arch as Arch, ['deb'], folder, options);
    return { file: readFileSync(path), fields: execFileSync('dpkg-deb', ['--field', path], { encoding: 'utf8' }) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
