/** The main script of the executable: the program's chunks and their bytecode lie in the executable as assets. */
import { getRawAsset } from 'node:sea';
import { runChunks } from './chunks.ts';

/** Set by the build: whether there is bytecode. */
declare const BYTECODE: boolean;

const asset = (name: string) => Buffer.from(getRawAsset(name) as ArrayBuffer);
runChunks(
  'cli.js',
  (name) => ({ source: asset(name).toString('latin1'), bytecode: BYTECODE ? asset(`${name}.bytecode`) : undefined }),
  require,
);
