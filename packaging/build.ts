/**
 * `npm run build [x64|arm64 …]`: makes dist/agent (x64) and dist/agent-arm64, each one file that needs nothing on the
 * host but glibc and libstdc++.
 *
 * The program is bundled and split into chunks first, so that start-up reads no files and a command loads only its own
 * code. pkg puts it into Node as a single executable application, in its simple mode.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import sea from '@yao-pkg/pkg/lib-es5/sea.js';
import { build, type Metafile, type Plugin } from 'esbuild';
import { pageFiles } from '../agent/collector/page.ts';
import { ADDON } from './addon.ts';
import { type Arch, nodeVersion, pkgHome, provideNode, runNode } from './node-binary.ts';
import { packOf, SMALL } from './packs.ts';
import { rehearse } from './rehearsal.ts';
import { inWorkshop } from './workshop.ts';

const root = join(import.meta.dirname, '..');

/** Where the executables are, from the folder of the repository. */
export const EXECUTABLES = { x64: 'dist/agent', arm64: 'dist/agent-arm64' } as const;

const target = `node${nodeVersion}`;
/** The collector's page, which is in the code as text. */
const page = pageFiles(join(root, 'agent/collector/page'));
/**
 * OPENSSL_CONF names a file that can have libraries loaded: only Node's default one is read. SIGUSR1 would open a debugger
 * on 127.0.0.1, to which every local user could connect.
 */
const HARDENED = ['--openssl-config=/etc/ssl/openssl.cnf', '--disable-sigusr1'];
/**
 * V8 gets one thread for its own work: the usual four keep 3 MB of memory. Young objects get 2 MB in place of 1 MB, so an
 * `apply` that changes nothing ends before V8 collects garbage. On a gateway with every resource it makes 3.5 MB of them:
 * 4 MB would save 2 ms there, and cost the daemon 4 MB.
 */
const LEAN = ['--v8-pool-size=1', '--min-semi-space-size=2'];
/** The chunk that the program begins with. */
const FIRST = 'cli.js';
/**
 * The packs of the command that is run most, on every host again and again: for each the modules that begin it. A chunk is in
 * the first pack that needs it.
 */
const PACKS = {
  /** To the host everything looks as it did to the last apply. */
  first: [FIRST, 'agent/commands/apply/apply.ts'],
  /** The same, on a host with settings about which the kernel is asked. */
  kernel: ['agent/host/netlink/told-again.ts', 'agent/host/netlink/native.ts'],
  /** Something differs. */
  whole: ['agent/commands/apply/put-right.ts'],
  /** The same on a gateway: with routes, rules, masquerading, a file for dnsmasq, or `egress`. */
  gateways: [
    'agent/resources/routes/reconcile.ts',
    'agent/resources/rules/reconcile-rules.ts',
    'agent/resources/masquerade/table.ts',
    'agent/resources/dnsmasq/file.ts',
    'agent/egress/defaults.ts',
    'agent/egress/note.ts',
    'agent/resources/sysctl/boot/later.ts',
  ],
} as const;
/** The placeholder in the code for the hash of the whole code. */
const BUILD_MARK = '<holdfast build>';
/** systeminformation has a degree sign in regular expressions; a pack is ASCII (packs.ts). */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  setup({ onLoad }) {
    onLoad({ filter: /\/systeminformation\/lib\/[^/]+\.js$/ }, ({ path }) => {
      const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
      return { contents: readFileSync(path, 'utf8').replace(/[^\x00-\x7f]/g, escaped), loader: 'js' };
    });
  },
};
/** The program uses only the version of this package's description. */
const onlyVersion: Plugin = {
  name: 'only-version',
  setup({ onLoad }) {
    onLoad({ filter: /\/package\.json$/ }, ({ path }) => {
      if (path !== join(root, 'package.json')) return null;
      const { version } = JSON.parse(readFileSync(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};
/** `netlink` calls what node-gyp-build exports with its own folder. */
const ownAddon: Plugin = {
  name: 'own-addon',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node-gyp-build$/ }, ({ path }) => ({ path, namespace: 'own-addon' }));
    onLoad({ filter: /.*/, namespace: 'own-addon' }, () => ({
      contents: 'module.exports = () => require("./addon.ts").loadAddon();',
      resolveDir: import.meta.dirname,
    }));
  },
};

/** Makes one executable for each architecture, `output(arch)`, of the program whose first module is `entry`. */
export async function makeExecutables(entry: string, archs: Arch[], output: (arch: Arch) => string): Promise<void> {
  await inWorkshop(async (folder) => {
    const packs = await splitProgram(entry, join(folder, 'chunks'));
    for (const arch of archs) {
      // Bytecode belongs to one architecture.
      const node = runNode(arch);
      if (node !== null) rehearse(join(folder, 'chunks'), node);
      else
        console.log(
          `  no program here runs Node for ${arch}: the executable has no bytecode, so it starts later and has other bytes`,
        );
      const bytecode = node !== null;
      const main = join(folder, 'main.cjs');
      await bundleMain(main, bytecode);
      const names = bytecode ? packs.flatMap((name) => [name, `${name}.bytecode`]) : packs;
      const addon = join(root, `node_modules/netlink/prebuilds/linux-${arch}/node.napi.node`);
      const assets = names.map((name) => [name, join(folder, 'chunks', name)]);
      const finished = await inject(arch, main, { ...Object.fromEntries(assets), [ADDON]: addon });
      // The file is replaced in one step, also while the old executable runs.
      renameSync(finished, resolve(output(arch)));
    }
  });
}

/** Writes the packs into the new folder, each under the name of its first chunk. Returns these names. */
export async function splitProgram(entry: string, folder: string): Promise<string[]> {
  const { outputFiles, metafile } = await bundle(entry, folder);
  mkdirSync(folder);
  const identity = identityOf(outputFiles);
  const texts = new Map(
    outputFiles.map(({ path, text }) => [basename(path), text.replaceAll(BUILD_MARK, identity)] as const),
  );
  const { first, ...others } = packsOfApply(metafile);
  const further = Object.values(others);
  const packed = new Set([first, ...further].flat());
  const packs = [first, ...further, ...[...texts.keys()].filter((name) => !packed.has(name)).map((name) => [name])];
  await Promise.all(
    packs.map(async (names) =>
      writeFileSync(join(folder, names[0]!), await packOf(names, texts, target, names === first ? further : [])),
    ),
  );
  return packs.map(([name]) => name!);
}

/** The chunks of each pack of `apply`. */
export function packsOfApply(metafile: Metafile): Record<keyof typeof PACKS, string[]> {
  const before = new Set<string>();
  const packs = Object.entries(PACKS).map(([pack, modules]) => {
    const names = loadedWith(metafile, modules).filter((name) => !before.has(name));
    for (const name of names) before.add(name);
    return [pack, names] as const;
  });
  return Object.fromEntries(packs) as Record<keyof typeof PACKS, string[]>;
}

/** The chunks of these modules and of all that they import, the first module's before the others. */
function loadedWith({ outputs }: Metafile, modules: readonly string[]): string[] {
  const found = new Set(modules.map((module) => chunkOf(outputs, module)));
  // The loop also visits names that are added to the set meanwhile.
  for (const path of found) {
    for (const { path: other, kind } of outputs[path]!.imports) {
      if (kind === 'import-statement' && other in outputs) found.add(other);
    }
  }
  return [...found].map((path) => basename(path));
}

function chunkOf(outputs: Metafile['outputs'], module: string): string {
  const found = Object.keys(outputs).find(
    (path) => basename(path) === module || outputs[path]!.entryPoint?.endsWith(module),
  );
  if (found === undefined) throw new Error(`no command loads ${module} by itself`);
  return found;
}

/** Whether the executable was made from the present sources. */
export async function isCurrent(executable: string, entry = join(root, 'agent/cli.ts')): Promise<boolean> {
  const { outputFiles } = await bundle(entry, '/chunks');
  return readFileSync(executable).includes(identityOf(outputFiles));
}

/** Distinguishes the notes of one build from those of another. */
function identityOf(chunks: readonly { readonly text: string }[]): string {
  return createHash('sha256')
    .update(chunks.map(({ text }) => text).join())
    .digest('hex');
}

/** The chunks, which are not written yet, and the sources of each. */
export function bundle(entry: string, folder: string) {
  return build({
    entryPoints: { cli: entry },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    // If a package has both forms, esbuild takes the modules, so that unused parts of OpenTelemetry are left out (461
    // kB become 74 kB).
    mainFields: ['module', 'main'],
    format: 'esm',
    logLevel: 'warning',
    write: false,
    metafile: true,
    // The modules' names are in the chunks, and must not show where node_modules links to.
    preserveSymlinks: true,
    target,
    // Some packages name their own folder, but none reads it here.
    define: {
      HOLDFAST_BUILD: JSON.stringify(BUILD_MARK),
      // A string, because esbuild inserts a string at its use. An object would be in a chunk that every command loads.
      HOLDFAST_PAGE: JSON.stringify(JSON.stringify(page)),
      __dirname: '""',
      'import.meta.main': 'true',
    },
    plugins: [ownAddon, asciiOnly, onlyVersion],
    ...SMALL,
  });
}

async function bundleMain(outfile: string, bytecode: boolean): Promise<void> {
  const define = { BYTECODE: String(bytecode) };
  const entryPoints = [join(import.meta.dirname, 'main.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', define, target, ...SMALL });
}

/** Returns the executable's path, in the folder of `main`. */
async function inject(arch: Arch, main: string, assets: Record<string, string>): Promise<string> {
  provideNode(arch);
  const output = join(dirname(main), `agent-${arch}`);
  const { HOME, TMPDIR } = process.env;
  // pkg works in a folder in TMPDIR. Seen from that folder the main script has the same name at every build, and the
  // executable contains that name.
  Object.assign(process.env, { HOME: pkgHome, TMPDIR: dirname(main) });
  const relativeMain = join('..', basename(main));
  try {
    await sea.default(main, {
      targets: [{ platform: 'linux', arch, nodeRange: target, output }],
      seaConfig: {
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        useCodeCache: false,
        assets,
        // NODE_OPTIONS is meant for another Node, and could make V8 refuse the bytecode.
        ...{ main: relativeMain, execArgv: [...LEAN, ...HARDENED], execArgvExtension: 'none' },
      },
    });
  } finally {
    Object.assign(process.env, { HOME, TMPDIR });
    if (TMPDIR === undefined) delete process.env.TMPDIR;
  }
  return output;
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const arch of wanted)
    if (!(arch in EXECUTABLES)) throw new Error(`unknown architecture ${arch}: write x64 or arm64`);
  const archs = (wanted.length > 0 ? wanted : Object.keys(EXECUTABLES)) as Arch[];
  await makeExecutables(join(root, 'agent/cli.ts'), archs, (arch) => join(root, EXECUTABLES[arch]));
  for (const arch of archs) {
    console.log(
      `${EXECUTABLES[arch]}: ${Math.round(statSync(join(root, EXECUTABLES[arch])).size / 1e6)} MB, linux-${arch}, Node ${nodeVersion}`,
    );
  }
}
