/**
 * The build's working folder, and the programs that run in it. The folder is beside the result, so a rename puts a
 * finished file in its place. A failure, Ctrl-C or SIGTERM ends the programs and removes the folder.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pkgHome } from './node-binary.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The folders that are there now. */
const folders = new Set<string>();
const programs = new Set<ChildProcess>();

/** Gives `work` an empty folder, which exists until `work` ends. */
export async function inWorkshop<T>(work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(DIST, { recursive: true });
  removeAbandoned();
  const folder = mkdtempSync(join(DIST, `.unfinished-${process.pid}-`));
  if (folders.size === 0) for (const signal of SIGNALS) process.on(signal, end);
  folders.add(folder);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
    folders.delete(folder);
    giveToOwner();
    if (folders.size === 0) for (const signal of SIGNALS) process.off(signal, end);
  }
}

/** The package of Debian in which each program is. */
const PACKAGES: Readonly<Record<string, string>> = { rpmbuild: 'rpm', tar: 'tar', xz: 'xz-utils' };

/** Throws for a program that is not installed, so that minutes of building do not end with it. */
export function requirePrograms(programs: readonly string[], path = process.env.PATH ?? ''): void {
  const folders = path.split(':').filter((folder) => folder !== '');
  const missing = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return;
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(' ');
  throw new Error(`${missing.join(' and ')} must be installed (Debian: apt-get install ${packages})`);
}

/**
 * Runs a program to its end, and throws if it fails. Its standard output is not shown. Its environment has only PATH
 * and `environment`, because XZ_OPT, TAR_OPTIONS or ~/.rpmmacros would give other bytes.
 */
export async function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  // The program has a process group of its own, because some programs start others, and all must end together.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', LC_ALL: 'C', ...environment },
  });
  programs.add(child);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${[program, ...args].join(' ')} ended with ${signal ?? `exit status ${code}`}`));
      });
    });
  } finally {
    programs.delete(child);
  }
}

function end(signal: NodeJS.Signals): void {
  for (const { pid } of programs) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  // A program that is being ended may still write.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  for (const each of SIGNALS) process.off(each, end);
  process.kill(process.pid, signal);
}

/**
 * If sudo ran the build in a user's clone, the files go to that user, who can continue without sudo. A container cannot
 * give files to an unknown user. Only results of a build are given: the cache also has whole Debian systems, whose
 * files have owners of their own.
 */
function giveToOwner(): void {
  if (process.geteuid?.() !== 0) return;
  const give = (...args: string[]) => spawnSync('chown', [`--reference=${ROOT}`, ...args], { stdio: 'ignore' });
  give(dirname(pkgHome), dirname(dirname(pkgHome)));
  give('-R', DIST, pkgHome);
}

/** Folders of builds that could not clean up, because they were killed or lost power. */
function removeAbandoned(): void {
  for (const name of readdirSync(DIST)) {
    const [, pid] = /^\.unfinished-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(DIST, name), { recursive: true, force: true });
  }
}
