/**
 * `node renumber.ts FOLDER`: writes the bytecode of every chunk in FOLDER anew. V8 numbers scripts and functions in the
 * order of compilation, and keeps the numbers in bytecode. In a process that only reads the bytecode back, the same
 * functions get the same numbers, whatever the order of the rehearsal was.
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
