/** The packages that are installed on booted systems: what `npm run package` makes, but of the executable that was just built. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/version.ts';
import type { Arch } from '../../packaging/node-binary.ts';
import { makeDebOf } from '../../packaging/package.ts';
import { AGENT, type Machine } from './machine.ts';

/** A later one, as dpkg and rpm compare versions. */
export const NEXT_VERSION = `${VERSION}+next`;

/** The package of this version and of the next one, on the machine as /root/holdfast.deb and /root/next.deb. */
export async function bringPackages(machine: Machine): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packages-'));
  const common = { executable: AGENT, folder, compression: 'none' } as const;
  try {
    for (const [name, version] of [
      ['holdfast.deb', VERSION],
      ['next.deb', NEXT_VERSION],
    ] as const) {
      const made = await makeDebOf(process.arch as Arch, { ...common, version });
      await machine.copy(made, `/root/${name}`, 0o644);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
