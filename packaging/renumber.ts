/**
 * `node renumber.ts FOLDER`: writes the bytecode of every chunk in FOLDER anew. V8 numbers scripts and functions as it
 * compiles them, Node's own among them, and keeps the numbers in bytecode; read back in a process that does nothing else,
 * the same functions get the same numbers, in whatever order the rehearsal called them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

const [folder = '.'] = process.argv.slice(2);
const chunks = readdirSync(folder).filter((name) => name.endsWith('.js'));
for (const name of chunks.sort()) {
  const [source, bytecode] = [join(folder, name), join(folder, `${name}.bytecode`)];
  const script = new Script(readFileSync(source, 'latin1'), { filename: name, cachedData: readFileSync(bytecode) });
  if (script.cachedDataRejected) throw new Error(`V8 refuses the bytecode of ${name}, which it made itself`);
  writeFileSync(bytecode, script.createCachedData());
}
