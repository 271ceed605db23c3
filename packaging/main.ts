/** The main script of the executable: the program's chunks and their bytecode lie in the executable as assets. */
import { writeFileSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import { runChunks } from './chunks.ts';
import { withoutForeign } from './environment.ts';

/** Set by the build: whether there is bytecode. */
declare const BYTECODE: boolean;

const args = process.argv.slice(2);
const { anew, forget } = withoutForeign(process.env, args);
// The process starts anew, because it has already read some of the variables, and acts on them at its end.
if (anew !== null) process.execve!('/proc/self/exe', [process.argv0, ...args], anew);
for (const name of forget) delete process.env[name];

// Node calls its main thread MainThread, and ps(1) and pgrep(1) show that name. process.title would overwrite the
// arguments, which distinguish a daemon from an apply.
try {
  writeFileSync('/proc/self/comm', 'agent');
} catch {
  // a chroot without /proc
}

const asset = (name: string) => Buffer.from(getRawAsset(name) as ArrayBuffer);
runChunks(
  'cli.js',
  (name) => ({ source: asset(name).toString('latin1'), bytecode: BYTECODE ? asset(`${name}.bytecode`) : undefined }),
  require,
);
