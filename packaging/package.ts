/**
 * `npm run package [x64|arm64 …]`: makes in dist/ what a host installs, of each architecture. Everything in it is of the
 * time of the last commit, or SOURCE_DATE_EPOCH: the same sources give the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { VERSION } from '../agent/commands/version.ts';
import { bundle, EXECUTABLES, makeExecutables } from './build.ts';
import { contents } from './contents.ts';
import { makeDeb, type PackageOptions } from './deb.ts';
import type { Arch } from './node-binary.ts';
import { makeRpm } from './rpm.ts';
import { billOfMaterials, type Component, components } from './sbom.ts';
import { makeTarball } from './tarball.ts';

const root = join(import.meta.dirname, '..');

/** What each family of distributions calls it. */
const ARCHITECTURES = {
  x64: { debian: 'amd64', redhat: 'x86_64' },
  arm64: { debian: 'arm64', redhat: 'aarch64' },
} as const;

export interface MakeOptions {
  readonly version?: string;
  readonly executable?: string;
  /** The folder to write to. */
  readonly folder?: string;
  readonly compression?: PackageOptions['compression'];
}

/** Makes the .deb of one architecture, of an executable that is there, and gives its path. */
export async function makeDebOf(arch: Arch, options: MakeOptions = {}): Promise<string> {
  const { path, ...common } = await prepared(arch, options);
  const architecture = ARCHITECTURES[arch].debian;
  const output = path(`holdfast_${common.version}_${architecture}.deb`);
  makeDeb({ ...common, architecture, output });
  return output;
}

/** Makes the .rpm. */
export async function makeRpmOf(arch: Arch, options: MakeOptions = {}): Promise<string> {
  const { path, ...common } = await prepared(arch, options);
  const architecture = ARCHITECTURES[arch].redhat;
  const output = path(`holdfast-${common.version}-1.${architecture}.rpm`);
  makeRpm({ ...common, architecture, output });
  return output;
}

/** Makes the tarball. */
export async function makeTarballOf(arch: Arch, options: MakeOptions = {}): Promise<string> {
  const { path, ...common } = await prepared(arch, options);
  const architecture = ARCHITECTURES[arch].debian;
  const output = path(`holdfast_${common.version}_linux_${architecture}.tar.xz`);
  makeTarball({ ...common, architecture, output });
  return output;
}

async function prepared(
  arch: Arch,
  { version = VERSION, executable = EXECUTABLES[arch], folder = 'dist', compression = 'xz' }: MakeOptions,
) {
  const time = sourceTime();
  const parts = await bundledParts();
  const tree = contents({ executable: resolve(root, executable), version, time, parts });
  return { version, time, tree, compression, path: (name: string) => resolve(root, folder, name) };
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

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const arch of wanted)
    if (!(arch in EXECUTABLES)) throw new Error(`unknown architecture ${arch}: write x64 or arm64`);
  const archs = (wanted.length > 0 ? wanted : Object.keys(EXECUTABLES)) as Arch[];
  await makeExecutables(join(root, 'agent/cli.ts'), archs, (arch) => join(root, EXECUTABLES[arch]));
  const bill = join(root, `dist/holdfast_${VERSION}.cdx.json`);
  writeFileSync(bill, billOfMaterials(await bundledParts(), VERSION, sourceTime()));
  const made = [bill];
  for (const arch of archs) made.push(await makeDebOf(arch), await makeRpmOf(arch), await makeTarballOf(arch));
  for (const file of made) console.log(`dist/${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  writeFileSync(join(root, 'dist/SHA256SUMS'), made.sort().map(checksum).join(''));
}

/** A line for `sha256sum --check`. */
function checksum(file: string): string {
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${sum}  ${basename(file)}\n`;
}
