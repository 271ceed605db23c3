/**
 * `npm run build [x64|arm64 …]`: makes dist/agent (x64) and dist/agent-arm64, each one file that needs nothing on the
 * host but glibc and libstdc++.
 *
 * The program is bundled to one file first: a module is then executed only in the command that imports it, and start-up
 * reads no files. pkg puts it into Node as a single executable application in its simple mode, with V8's code cache.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sea from '@yao-pkg/pkg/lib-es5/sea.js';
import { build } from 'esbuild';
import { type Arch, nodeVersion, pkgHome, provideNode } from './node-binary.ts';

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'dist/agent.cjs');
const executables = { x64: 'dist/agent', arm64: 'dist/agent-arm64' } as const;

/** CommonJS, since a single executable application of Node 24 has no other main: so no top-level await in `entry`. */
export async function bundleAgent(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: `node${nodeVersion}`,
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}

export async function makeExecutable(arch: Arch, bundle: string, output: string): Promise<void> {
  provideNode(arch);
  const home = process.env.HOME;
  process.env.HOME = pkgHome;
  try {
    rmSync(output, { force: true });
    await sea.default(bundle, {
      targets: [{ platform: 'linux', arch, nodeRange: `node${nodeVersion}`, output }],
      seaConfig: {
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        // Bytecode belongs to one architecture, and only this machine's can be made here.
        useCodeCache: arch === process.arch,
      },
    });
  } finally {
    process.env.HOME = home;
  }
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  mkdirSync(join(root, 'dist'), { recursive: true });
  await bundleAgent(join(root, 'agent/cli.ts'), bundle);
  for (const arch of (wanted.length > 0 ? wanted : ['x64', 'arm64']) as Arch[]) {
    if (!(arch in executables)) throw new Error(`unknown architecture ${arch}: write x64 or arm64`);
    const output = join(root, executables[arch]);
    await makeExecutable(arch, bundle, output);
    console.log(
      `${executables[arch]}: ${Math.round(statSync(output).size / 1e6)} MB, linux-${arch}, Node ${nodeVersion}`,
    );
  }
}
