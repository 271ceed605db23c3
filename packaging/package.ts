/**
 * `npm run package [x64|arm64 …]`: makes the packages of each architecture in dist/. Every file in them has the time of
 * the last commit, or SOURCE_DATE_EPOCH, so the same sources give the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { VERSION } from '../agent/commands/context/version.ts';
import { bundle, EXECUTABLES, makeExecutables } from './build.ts';
import { contents, stage } from './contents.ts';
import { makeDeb } from './deb.ts';
import type { Arch } from './node-binary.ts';
import { makeRpm } from './rpm.ts';
import { billOfMaterials, type Component, components } from './sbom.ts';
import { type Compression, makeTarball } from './tarball.ts';
import { inWorkshop, requirePrograms } from './workshop.ts';

const root = join(import.meta.dirname, '..');

export const FORMATS = ['tarball', 'deb', 'rpm'] as const;
export type Format = (typeof FORMATS)[number];

/** The architecture's name in each family of distributions. */
const ARCHITECTURES = {
  x64: { debian: 'amd64', redhat: 'x86_64' },
  arm64: { debian: 'arm64', redhat: 'aarch64' },
} as const;

/** The names of the files. */
export function packageNames(arch: Arch, version: string): Record<Format, string> {
  const { debian, redhat } = ARCHITECTURES[arch];
  return {
    tarball: `holdfast_${version}_linux_${debian}.tar.xz`,
    deb: `holdfast_${version}_${debian}.deb`,
    rpm: `holdfast-${version}-1.${redhat}.rpm`,
  };
}

export interface MakeOptions {
  readonly version?: string;
  /** An executable that is already built. */
  readonly executable?: string;
  readonly compression?: Compression;
}

/** Makes these packages of one architecture in `folder`, and gives their paths in the same order. */
export async function makePackages(
  arch: Arch,
  formats: readonly Format[],
  folder: string,
  { version = VERSION, executable = EXECUTABLES[arch], compression = 'xz' }: MakeOptions = {},
): Promise<string[]> {
  const time = sourceTime();
  const parts = await bundledParts();
  const tree = contents({ executable: resolve(root, executable), version, time, parts });
  const { debian, redhat } = ARCHITECTURES[arch];
  const names = packageNames(arch, version);
  const output = (format: Format) => resolve(folder, names[format]);
  await inWorkshop(async (workshop) => {
    const [staged, tarball] = [join(workshop, 'staged'), join(workshop, 'data.tar')];
    mkdirSync(staged);
    stage(tree, staged, time);
    const top = [...new Set(tree.map(({ path }) => path.slice(0, path.indexOf('/'))))];
    const common = { version, tree, time, folder: workshop, compression };
    // The .deb contains the tarball unchanged, so the slow compression is done once for both.
    if (formats.some((format) => format !== 'rpm')) await makeTarball({ staged, top, output: tarball, compression });
    if (formats.includes('tarball')) copyFileSync(tarball, output('tarball'));
    if (formats.includes('deb')) await makeDeb({ ...common, architecture: debian, tarball, output: output('deb') });
    if (formats.includes('rpm')) await makeRpm({ ...common, architecture: redhat, staged, output: output('rpm') });
  });
  return formats.map(output);
}

async function bundledParts(): Promise<Component[]> {
  const { metafile } = await bundle(join(root, 'agent/cli.ts'), join(root, 'dist'));
  return components(metafile);
}

/** Seconds since 1970. */
function sourceTime(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  const time = Number(given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
  if (!Number.isSafeInteger(time)) throw new Error(`SOURCE_DATE_EPOCH is ${given}: write seconds since 1970`);
  return time;
}

/** The programs that make these packages. */
const PROGRAMS: Readonly<Record<Format, readonly string[]>> = {
  tarball: ['tar', 'xz'],
  deb: ['tar', 'xz'],
  rpm: ['rpmbuild'],
};

async function main(wanted: readonly string[]): Promise<void> {
  for (const arch of wanted)
    if (!(arch in EXECUTABLES)) throw new Error(`unknown architecture ${arch}: write x64 or arm64`);
  requirePrograms([...new Set(FORMATS.flatMap((format) => PROGRAMS[format]))]);
  const archs = (wanted.length > 0 ? wanted : Object.keys(EXECUTABLES)) as Arch[];
  await makeExecutables(join(root, 'agent/cli.ts'), archs, (arch) => join(root, EXECUTABLES[arch]));
  await inWorkshop(async (folder) => {
    const bill = join(folder, `holdfast_${VERSION}.cdx.json`);
    writeFileSync(bill, billOfMaterials(await bundledParts(), VERSION, sourceTime()));
    const made = [bill];
    for (const arch of archs) made.push(...(await makePackages(arch, FORMATS, folder)));
    publish(made.sort());
  });
}

/**
 * Puts the packages into dist/ in place of older packages. SHA256SUMS comes last, so every file that it lists exists.
 */
function publish(made: readonly string[]): void {
  const sums = join(root, 'dist/SHA256SUMS');
  for (const old of globSync(['SHA256SUMS', 'holdfast*'], { cwd: join(root, 'dist') })) rmSync(join(root, 'dist', old));
  const text = made.map(checksum).join('');
  for (const file of made) {
    const name = `dist/${basename(file)}`;
    renameSync(file, join(root, name));
    console.log(`${name}: ${(statSync(join(root, name)).size / 1e6).toFixed(1)} MB`);
  }
  writeFileSync(sums, text);
}

/** A line for `sha256sum --check`. */
function checksum(file: string): string {
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${sum}  ${basename(file)}\n`;
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(`npm run package: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
