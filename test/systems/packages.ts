/** The packages that are installed on booted systems: what `npm run package` makes, but of the executable that was just built. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/version.ts';
import { contents } from '../../packaging/contents.ts';
import { makeDeb } from '../../packaging/deb.ts';
import { AGENT, type Machine } from './machine.ts';

/** A later one, as dpkg and rpm compare versions. */
export const NEXT_VERSION = `${VERSION}+next`;

/** The package of this version and of the next one, on the machine as /root/holdfast.deb and /root/next.deb. */
export async function bringPackages(machine: Machine): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packages-'));
  const common = {
    tree: contents(AGENT),
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    time: Math.floor(Date.now() / 1000),
    compression: 'none',
  } as const;
  try {
    for (const [name, version] of [
      ['holdfast.deb', VERSION],
      ['next.deb', NEXT_VERSION],
    ] as const) {
      makeDeb({ ...common, version, output: join(folder, name) });
      await machine.copy(join(folder, name), `/root/${name}`, 0o644);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
