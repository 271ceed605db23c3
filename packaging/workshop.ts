/**
 * Where the build works: a folder beside what it makes, so that a finished file gets its place by a rename, and the programs
 * that it runs there. Whatever ends it, a failure, Ctrl-C or SIGTERM, the programs end and the folder is gone.
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

/** Gives `work` an empty folder, which is there until it ends. */
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

/**
 * Runs a program until it ends; throws where it fails. What it prints is left out, but for errors. Of the environment it gets
 * only PATH and `environment`: XZ_OPT, TAR_OPTIONS or ~/.rpmmacros would give other bytes.
 */
export async function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  // A group of its own, since some start further programs: all of them end where this one is ended.
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
  // What a program was about to write as it was ended may come yet.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  for (const each of SIGNALS) process.off(each, end);
  process.kill(process.pid, signal);
}

/**
 * By sudo in somebody's clone: that user goes on without sudo. A container may not give to whom it does not know. Only what a
 * build makes: beside it in the cache are whole Debian systems, whose files have owners of their own.
 */
function giveToOwner(): void {
  if (process.geteuid?.() !== 0) return;
  const give = (...args: string[]) => spawnSync('chown', [`--reference=${ROOT}`, ...args], { stdio: 'ignore' });
  give(dirname(pkgHome), dirname(dirname(pkgHome)));
  give('-R', DIST, pkgHome);
}

/** Of builds that had no time to clean up: killed, or out of power. */
function removeAbandoned(): void {
  for (const name of readdirSync(DIST)) {
    const [, pid] = /^\.unfinished-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(DIST, name), { recursive: true, force: true });
  }
}
