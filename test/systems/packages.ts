/**
 * The packages that are installed on booted systems: what `npm run package` makes, but of the executable that was just
 * built; and what their tools are told to do with them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../agent/commands/context/version.ts';
import type { Arch } from '../../packaging/node-binary.ts';
import { makePackages } from '../../packaging/package.ts';
import { builtAgent, type Machine } from './machine.ts';

/** How a package is made and handled; each command is one of the machine's shell. */
export interface Format {
  readonly name: 'deb' | 'rpm';
  /** Further packages that the machine needs. */
  readonly packages: readonly string[];
  readonly install: string;
  /** Once there is a configuration: as docs/install.md says. */
  readonly start: string;
  readonly upgrade: string;
  readonly remove: string;
  /** Back to the bare system, after a removal. */
  readonly purge: string;
  readonly files: string;
  /** Fails if the tool knows nothing of Holdfast. */
  readonly known: string;
}

const [THIS, NEXT] = ['/root/this', '/root/next'];

export const deb: Format = {
  name: 'deb',
  packages: [],
  install: `dpkg -i ${THIS}`,
  start: 'systemctl start holdfast',
  upgrade: `dpkg -i ${NEXT}`,
  remove: 'dpkg --remove holdfast',
  purge: 'dpkg --purge holdfast',
  files: 'dpkg -L holdfast',
  known: 'dpkg-query -W holdfast || ls /var/lib/dpkg/info | grep holdfast',
};

/** Debian's rpm: without its dependencies, since Debian's libraries are no packages of rpm's. */
export const rpm: Format = {
  name: 'rpm',
  packages: ['rpm'],
  install: `rpm --install --nodeps ${THIS}`,
  start: 'systemctl enable --now holdfast holdfast-apply',
  upgrade: `rpm --upgrade --nodeps --replacepkgs ${NEXT}`,
  remove: 'rpm --erase holdfast',
  // rpm has no purge: as docs/install.md says.
  purge: `rpm --install --nodeps ${THIS}; agent revert; rpm --erase holdfast; rm -rf /etc/holdfast /var/lib/holdfast /run/holdfast /var/lib/private/holdfast-collector /var/lib/holdfast-collector`,
  files: 'rpm --query --list holdfast',
  known: 'rpm --query holdfast',
};

/** Why no .rpm can be made here, or false. */
export function noRpm(): string | false {
  return spawnSync('rpmbuild', ['--version']).error ? 'needs rpmbuild (Debian package rpm)' : false;
}

/** A version that dpkg and rpm take for a later one. */
const NEXT_VERSION = `${VERSION}+next`;

/** Puts the package of this version and of the next one where the format's commands find them. */
export async function bringPackages(machine: Machine, { name }: Format): Promise<void> {
  const executable = await builtAgent();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packages-'));
  const common = { executable, compression: 'none' } as const;
  try {
    for (const [path, version] of [
      [THIS, VERSION],
      [NEXT, NEXT_VERSION],
    ] as const) {
      const [made] = await makePackages(process.arch as Arch, [name], folder, { ...common, version });
      await machine.copy(made!, path!, 0o644);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
