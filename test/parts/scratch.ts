/** What the unit tests stand on: folders that go away, mount namespaces of their own, and why a test cannot be run here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** An empty folder that is gone after the test. `files`: path below it to text (latin1). */
export function scratch(t: TestContext, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  made.add(folder);
  t.after(() => remove(folder));
  fill(folder, files);
  return folder;
}

const made = new Set<string>();

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  made.delete(folder);
}

process.once('exit', () => {
  for (const folder of made) remove(folder);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Writes files below a folder, their folders made. `mode`: by default a script can be run. */
export function fill(folder: string, files: Record<string, string>, mode?: number): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, {
      encoding: 'latin1',
      mode: mode ?? (/^(#!|\x7fELF)/.test(text) ? 0o755 : 0o644),
    });
  }
}

/** Programs of other packages, where Debian has them under another name. */
const PACKAGES: Record<string, string> = {
  setfattr: 'attr',
  ip: 'iproute2',
  unshare: 'util-linux',
  flock: 'util-linux',
};

/** Why a test that starts these programs must be skipped, or false. */
export function missing(...programs: string[]): string | false {
  const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const absent = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  const named = absent.map((program) => `${program} (Debian package ${PACKAGES[program] ?? program})`);
  return absent.length > 0 ? `needs ${named.join(', ')}` : false;
}

/** Why a test that makes namespaces or mounts must be skipped, or false. */
export function noNamespaces(...programs: string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to make namespaces';
  try {
    execFileSync('unshare', ['--mount', '--net', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
  } catch {
    return 'may not make namespaces here (a container without CAP_SYS_ADMIN?)';
  }
  return missing(...programs);
}

export interface ShResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell script in mount and network namespaces of its own: what it mounts and sets is gone with it. */
export function privately(script: string, { env = {} }: { env?: Record<string, string> } = {}): ShResult {
  return spawnSync('unshare', ['--mount', '--net', 'sh', '-c', script], {
    encoding: 'latin1',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...env },
    maxBuffer: 1 << 28,
  });
}

/** Runs a TypeScript module's text in this Node; `import` paths as from this folder. Gives its standard output. */
export function nodeCommand(source: string): string {
  const quoted = source.replaceAll("'", `'\\''`);
  return `${process.execPath} --disable-warning=ExperimentalWarning --input-type=module-typescript -e '${quoted}'`;
}
