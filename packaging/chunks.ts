/**
 * Runs the program from its chunks: CommonJS texts that esbuild split so that a command's own code is apart. A chunk is
 * executed when something first imports it. They lie in packs, each read and compiled as a whole: what every `apply` loads is
 * one, any other chunk is one by itself. Used by the executable (main.ts) and, to make the bytecode that the executable starts
 * with, by the build (warm.ts).
 */
import { Script } from 'node:vm';

export interface Pack {
  /** ASCII or latin1, as `pack` makes it. */
  readonly source: string;
  /** From `Script.createCachedData`; V8 compiles the source where it is missing or from another V8. */
  readonly bytecode?: Buffer | undefined;
}

type Require = (name: string) => unknown;
type Body = (require: Require, module: { exports: unknown }, exports: unknown) => void;

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

/**
 * The text of a pack as `runChunks` wants it: an expression whose value is the chunks' bodies by their names. Throws if a chunk
 * is not ASCII: packs are read as latin1. esbuild escapes strings, but leaves regular expressions as they are.
 */
export function pack(chunks: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(chunks)) {
    const place = text.search(/[^\x00-\x7f]/);
    if (place < 0) continue;
    const around = JSON.stringify(text.slice(Math.max(0, place - 30), place + 30));
    throw new Error(`${name} is not ASCII at ${around}: write \\u escapes in the regular expression`);
  }
  const bodies = Object.entries(chunks).map(([name, text]) => {
    return `${JSON.stringify(name)}:function(require,module,exports){${text}\n}`;
  });
  return `({${bodies.join(',')}})`;
}

/** Runs `entry` and what it imports, each from `read`, by the name of a pack's first chunk; `compiled` is told of every pack. */
export function runChunks(
  entry: string,
  read: (name: string) => Pack,
  nodeRequire: Require,
  compiled?: (name: string, script: Script) => void,
): void {
  const bodies = new Map<string, Body>();
  const modules = new Map<string, { exports: unknown; error?: unknown }>();
  const requireAny: Require = (name) => {
    if (name.startsWith('./')) return requireChunk(name.slice(2));
    return heavy.has(name.replace('node:', '')) ? onFirstUse(() => nodeRequire(name) as object) : nodeRequire(name);
  };
  const requireChunk = (name: string): unknown => {
    let module = modules.get(name);
    if (module !== undefined && 'error' in module) throw module.error;
    if (module !== undefined) return module.exports;
    module = { exports: {} };
    modules.set(name, module);
    if (!bodies.has(name)) readPack(name);
    try {
      bodies.get(name)!(requireAny, module, module.exports);
    } catch (error) {
      // As of a module of ECMAScript's: who imports it next is told the same, and is not given half of it.
      module.error = error;
      throw error;
    }
    return module.exports;
  };
  const readPack = (name: string) => {
    const { source, bytecode } = read(name);
    const script = new Script(source, { filename: name, cachedData: bytecode });
    compiled?.(name, script);
    const chunks = script.runInThisContext() as Readonly<Record<string, Body>>;
    for (const [chunk, body] of Object.entries(chunks)) bodies.set(chunk, body);
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
