/**
 * Makes packs: several chunks of the program (ECMAScript modules, as esbuild splits it) joined in one function, each still
 * executed only when something first imports it. A call from one chunk to another is then an ordinary call. As CommonJS modules
 * of their own, the 51 chunks of `apply` were 332 kB with 556 kB of bytecode; joined they are 285 kB with 464 kB.
 */
import { build, type Plugin } from 'esbuild';

/** Options of every text that the executable holds. */
export const SMALL = { minifySyntax: true, minifyWhitespace: true, legalComments: 'none' } as const;

/**
 * The text of a pack as `runChunks` (chunks.ts) wants it. `names`: its chunks, of all that `texts` has by name. `others`: further
 * packs of several chunks, which only the program's first pack needs to know. Throws if the pack is not ASCII: packs are read as
 * latin1. esbuild escapes strings, but leaves regular expressions as they are.
 */
export async function packOf(
  names: readonly string[],
  texts: ReadonlyMap<string, string>,
  target: string,
  others: readonly (readonly string[])[] = [],
): Promise<string> {
  const table = names.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(`./${name}`)})`);
  const [only] = names.length === 1 ? names : [];
  const contents = only === undefined ? `module.exports = { ${table.join(',\n')} };` : texts.get(only)!;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '/' },
    plugins: [chunksOf(names, texts)],
    bundle: true,
    write: false,
    // esbuild has already printed its warnings when it split the program.
    logLevel: 'error',
    platform: 'node',
    // A single executable application of Node 24 runs no other form, so the program has no top-level await.
    format: 'cjs',
    supported: { 'dynamic-import': false },
    target,
    ...SMALL,
  });
  const text = outputFiles[0]!.text;
  const place = text.search(/[^\x00-\x7f]/);
  if (place >= 0) {
    const around = JSON.stringify(text.slice(Math.max(0, place - 30), place + 30));
    throw new Error(`the pack of ${names[0]} is not ASCII at ${around}: write \\u escapes in the regular expression`);
  }
  const places = Object.fromEntries(others.flatMap((pack) => pack.map((name) => [name, pack[0]!])));
  const form = only === undefined ? 'several' : 'one';
  // A property: V8 compiles a function in parentheses at once, also for the bytecode of a pack that no rehearsal loads.
  return `({${form}:function(require,module){${text}\n},others:${JSON.stringify(places)}})`;
}

/** Finds the pack's chunks by their names; another pack's chunk is required when the program runs. */
function chunksOf(names: readonly string[], texts: ReadonlyMap<string, string>): Plugin {
  const isOwn = new Set(names);
  return {
    name: 'chunks',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\// }, ({ path }) => {
        const name = path.slice('./'.length);
        return isOwn.has(name) ? { path: name, namespace: 'chunk' } : { path, external: true };
      });
      onLoad({ filter: /^/, namespace: 'chunk' }, ({ path }) => ({ contents: texts.get(path)! }));
    },
  };
}
