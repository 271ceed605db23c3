/**
 * Runs the program from its chunks, which esbuild split so that a command's own code is apart. A chunk is executed when
 * something first imports it. Chunks lie in packs (packs.ts), each read and compiled as a whole: the chunks that every `apply`
 * loads are one pack, and any other chunk is a pack by itself. Used by the executable (main.ts) and, to make the bytecode that
 * the executable starts with, by the build (warm.ts).
 */
import { Script } from 'node:vm';

export interface Pack {
  /** ASCII, as `packOf` makes it. */
  readonly source: string;
  /** From `Script.createCachedData`; V8 compiles the source where it is missing or from another V8. */
  readonly bytecode?: Buffer | undefined;
}

type Require = (name: string) => unknown;
/** What a pack's function puts into `module.exports`: by name, how to execute each chunk and get what it exports. */
type Chunks = Readonly<Record<string, () => unknown>>;

/**
 * Parts of Node that take long to load, measured with Node 24 beside 24 ms for the whole of an empty program: loaded
 * when something of theirs is first used, not when they are imported.
 */
const heavy = new Map([
  ['child_process', '4 ms'],
  ['crypto', '5 ms'],
  ['fs/promises', '1.5 ms'],
  ['net', '1 ms'],
  ['os', '0.4 ms'],
  ['timers/promises', '0.5 ms'],
  ['tty', '3 ms'],
]);

/** Runs `entry` and what it imports, each from `read`, by the name of a pack's first chunk; `compiled` is told of every pack. */
export function runChunks(
  entry: string,
  read: (name: string) => Pack,
  nodeRequire: Require,
  compiled?: (name: string, script: Script) => void,
): void {
  const chunks = new Map<string, () => unknown>();
  const executed = new Map<string, unknown>();
  const requireAny: Require = (name) => {
    if (name.startsWith('./')) return requireChunk(name.slice(2));
    return heavy.has(name.replace('node:', '')) ? onFirstUse(() => nodeRequire(name) as object) : nodeRequire(name);
  };
  const requireChunk = (name: string): unknown => {
    if (!chunks.has(name)) readPack(name);
    // A chunk that fails fails the same way for each that imports it: esbuild keeps the error.
    if (!executed.has(name)) executed.set(name, chunks.get(name)!());
    return executed.get(name);
  };
  const readPack = (name: string) => {
    const { source, bytecode } = read(name);
    const script = new Script(source, { filename: name, cachedData: bytecode });
    compiled?.(name, script);
    const module: { exports: Chunks } = { exports: {} };
    script.runInThisContext()(requireAny, module);
    for (const [chunk, execute] of Object.entries(module.exports)) chunks.set(chunk, execute);
  };
  requireChunk(entry);
}

function onFirstUse(load: () => object): object {
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(load(), key),
      has: (_, key) => Reflect.has(load(), key),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(load(), key),
    },
  );
}
