/**
 * `npm run package [x64|arm64 …]`: makes in dist/ what a host installs, of each architecture. Everything in it is of the
 * time of the last commit, or SOURCE_DATE_EPOCH: the same sources give the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { VERSION } from '../agent/commands/version.ts';
import { EXECUTABLES, makeExecutables } from './build.ts';
import { contents } from './contents.ts';
import { makeDeb } from './deb.ts';
import type { Arch } from './node-binary.ts';

const root = join(import.meta.dirname, '..');

/** What each family of distributions calls it. */
const ARCHITECTURES = { x64: { debian: 'amd64' }, arm64: { debian: 'arm64' } } as const;

/** Makes the packages of one architecture, of an executable that is there, and gives their paths. */
export function makePackages(arch: Arch, { version = VERSION, executable = EXECUTABLES[arch], output = 'dist' } = {}) {
  const tree = contents(join(root, executable));
  const { debian } = ARCHITECTURES[arch];
  const deb = join(root, output, `holdfast_${version}_${debian}.deb`);
  makeDeb({ version, tree, architecture: debian, time: sourceTime(), output: deb });
  return [deb];
}

/** Seconds since 1970. */
function sourceTime(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  const time = Number(given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
  if (!Number.isSafeInteger(time)) throw new Error(`SOURCE_DATE_EPOCH is ${given}: write seconds since 1970`);
  return time;
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const arch of wanted)
    if (!(arch in EXECUTABLES)) throw new Error(`unknown architecture ${arch}: write x64 or arm64`);
  const archs = (wanted.length > 0 ? wanted : Object.keys(EXECUTABLES)) as Arch[];
  await makeExecutables(join(root, 'agent/cli.ts'), archs, (arch) => join(root, EXECUTABLES[arch]));
  for (const file of archs.flatMap((arch) => makePackages(arch))) {
    console.log(`dist/${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  }
}
