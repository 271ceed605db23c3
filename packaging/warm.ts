/**
 * `node warm.ts FOLDER ARGUMENT …`: runs the program, which is in FOLDER as chunks, with these arguments as a
 * rehearsal. Writes each chunk's bytecode beside it. The bytecode has the functions that the rehearsal called, so the
 * executable need not compile them at every start.
 */
import fs, { readdirSync, readFileSync, type Stats, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { runChunks } from './chunks.ts';

/**
 * Switches off V8's compilers beyond bytecode. Bytecode records which functions they compiled, and that depends on the
 * order in which the rehearsal's reads end. As flags of the process, these settings would make V8 refuse the bytecode.
 */
const COMPILERS = ['sparkplug', 'maglev', 'turbofan'];

const OTHERS_MAY_WRITE = 0o022;

const [folder = '.', ...args] = process.argv.slice(2);
const scripts = new Map<string, Script>();
const read = (name: string) => ({ source: readFileSync(join(folder, name), 'latin1') });

for (const compiler of COMPILERS) setFlagsFromString(`--no-${compiler}`);
process.argv.splice(1, Number.POSITIVE_INFINITY, 'agent', ...args);
countAsRoots();
stopClock();
process.on('exit', () => {
  for (const compiler of COMPILERS) setFlagsFromString(`--${compiler}`);
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const script = scripts.get(name) ?? new Script(read(name).source, { filename: name });
    writeFileSync(join(folder, `${name}.bytecode`), script.createCachedData());
  }
});
const nodeRequire = createRequire(import.meta.url);
runChunks(
  'cli.js',
  read,
  (name) => (name === 'node:sea' ? { getRawAsset: () => addon() } : nodeRequire(name)),
  (name, script) => scripts.set(name, script),
);

/** The native part of `netlink`, which is an asset of the executable. */
function addon(): ArrayBuffer {
  const root = join(import.meta.dirname, '..');
  const file = readFileSync(join(root, `node_modules/netlink/prebuilds/linux-${process.arch}/node.napi.node`));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
}

/**
 * A conversation with the kernel that takes long lets other work run in between (agent/host/netlink/socket.ts). On a busy
 * machine the resources would then be compiled in another order, and the bytecode would have other bytes.
 */
function stopClock(): void {
  const now = process.hrtime.bigint();
  process.hrtime.bigint = () => now;
}

/**
 * Makes this process look like root's, and every file like one that only root may write. The rehearsal is root's
 * `apply` on a host without faults, whoever builds and wherever, so the program must not refuse it because of the
 * folders above.
 */
function countAsRoots(): void {
  process.geteuid = () => 0;
  for (const name of ['statSync', 'lstatSync', 'fstatSync'] as const) {
    const look = fs[name] as (...args: unknown[]) => Stats | undefined;
    const asRoots = (...args: unknown[]) => {
      const found = look(...args);
      return found && Object.assign(found, { uid: 0, gid: 0, mode: found.mode & ~OTHERS_MAY_WRITE });
    };
    Object.assign(fs, { [name]: asRoots });
  }
}
