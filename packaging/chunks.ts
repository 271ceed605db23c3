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
  /** From `Script.createCachedData`. If it is missing, or was made by another V8, V8 compiles the source. */
  readonly bytecode?: Buffer | undefined;
}

type Require = (name: string) => unknown;
type Body = (require: Require, module: { exports: unknown }) => void;

/** The value of a pack's text. */
interface PackBody {
  /** Executes the pack's only chunk, and puts into `module.exports` what the chunk exports. */
  readonly one?: Body;
  /** Puts into `module.exports`, by name, how to execute each chunk and get what it exports. */
  readonly several?: Body;
  /** The pack of each chunk that lies in another pack of several, by the name of the chunk. */
  readonly others?: Readonly<Record<string, string>>;
}

/**
 * Parts of Node that take long to load. They are loaded at their first use, not at their import. Measured with Node 24,
 * in which an empty program takes 24 ms.
 */
const heavy = new Map([
  ['child_process', '4 ms'],
  ['crypto', '5 ms'],
  ['fs/promises', '1.5 ms'],
  ['net', '1 ms'],
  ['os', '0.4 ms'],
  ['timers/promises', '0.5 ms'],
  ['tty', '3 ms'],
  ['v8', '2 ms'],
]);

/** Runs `entry` and what it imports, each from `read`, by the name of a pack's first chunk; `compiled` is told of every pack. */
export function runChunks(
  entry: string,
  read: (name: string) => Pack,
  nodeRequire: Require,
  compiled?: (name: string, script: Script) => void,
): void {
  const chunks = new Map<string, () => unknown>();
  const packs = new Map<string, string>();
  const executed = new Map<string, { readonly exports: unknown } | { readonly error: unknown }>();
  const requireAny: Require = (name) => {
    if (name.startsWith('./')) return requireChunk(name.slice(2));
    return heavy.has(name.replace('node:', '')) ? onFirstUse(() => nodeRequire(name) as object) : nodeRequire(name);
  };
  const requireChunk = (name: string): unknown => {
    const done = executed.get(name) ?? execute(name);
    executed.set(name, done);
    // A failure is kept, as for an ECMAScript module: each later import gets the same error, and never a half-executed
    // chunk.
    if ('error' in done) throw done.error;
    return done.exports;
  };
  const execute = (name: string) => {
    if (!chunks.has(name)) readPack(packs.get(name) ?? name);
    try {
      return { exports: chunks.get(name)!() };
    } catch (error) {
      return { error };
    }
  };
  const readPack = (name: string) => {
    const { source, bytecode } = read(name);
    const script = new Script(source, { filename: name, cachedData: bytecode });
    compiled?.(name, script);
    const { one, several, others = {} } = script.runInThisContext() as PackBody;
    for (const [chunk, pack] of Object.entries(others)) packs.set(chunk, pack);
    const module = { exports: {} };
    several?.(requireAny, module);
    for (const [chunk, exported] of Object.entries(module.exports)) chunks.set(chunk, exported as () => unknown);
    if (one === undefined) return;
    chunks.set(name, () => {
      one(requireAny, module);
      return module.exports;
    });
  };
  requireChunk(entry);
}

function onFirstUse(load: () => object): object {
  let loaded: object | null = null;
  const module = () => {
    loaded ??= load();
    return loaded;
  };
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(module(), key),
      has: (_, key) => Reflect.has(module(), key),
      ownKeys: () => Reflect.ownKeys(module()),
      getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(module(), key),
    },
  );
}
