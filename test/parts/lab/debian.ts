/**
 * Minimal Debian systems to try the executable on, as `debootstrap --variant=minbase` installs them: each is made once,
 * from the archive that apt uses on this machine, and never written to afterwards.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const suites = { bullseye: 'Debian 11', bookworm: 'Debian 12', trixie: 'Debian 13' } as const;
export type Suite = keyof typeof suites;

/** Shell: makes the system in the first folder and renames it to the second. */
const MAKE = `
  unfinished=$0 folder=$1
  shift
  debootstrap "$@"
  rm -r "$unfinished/var/cache/apt"
  mv -T "$unfinished" "$folder"`;

const cache = join(import.meta.dirname, '../../../node_modules/.cache/holdfast');

/** Why no system can be made here, or null. */
export function unableToMake(): string | null {
  if (process.getuid?.() !== 0) return 'making a Debian system needs root';
  if (spawnSync('debootstrap', ['--version']).error) return 'debootstrap is not installed';
  return archive() === undefined ? 'apt has no Debian archive on this machine' : null;
}

/**
 * The root folder of the system, with further packages of Debian's where they are named. Throws with debootstrap's last
 * lines where it cannot be made.
 */
export function debianSystem(suite: Suite, packages: readonly string[] = []): string {
  const list = [...packages].sort().join();
  const key = createHash('sha256').update(list).digest('hex').slice(0, 12);
  const folder = join(cache, list === '' ? `debian-${suite}` : `systems/${suite}-${key}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    // Tests that run side by side wait for the first of them that makes this system.
    const once = [`${folder}.lock`, 'sh', '-c', '[ -d "$0" ] || exec "$@"', folder];
    // The namespaces end with debootstrap, so an interrupted run leaves no mount and no process behind.
    const isolated = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', MAKE, unfinished, folder];
    const content = ['--variant=minbase', ...(list === '' ? [] : [`--include=${list}`])];
    const made = spawnSync('flock', [...once, ...isolated, ...content, suite, unfinished, archive() ?? ''], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}${debootstrapLog(unfinished)}`.slice(-1500));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Runs `executable` as /usr/bin/agent on a throw-away copy of the system, in namespaces of its own. */
export function runOn(suite: Suite, executable: string, args: string[]) {
  const script = `
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/host
    mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/host
    cp "$2" /mnt/host/usr/bin/agent
    mount -t proc proc /mnt/host/proc
    shift 2
    exec chroot /mnt/host /usr/bin/agent "$@"`;
  return spawnSync(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', 'sh', '-euc', script, 'sh', debianSystem(suite), executable, ...args],
    { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
}

function archive(): string | undefined {
  const format = '$(LABEL) $(COMPONENT) $(SITE)';
  try {
    const lines = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
      encoding: 'utf8',
    });
    return /^Debian main (\S+)/m.exec(lines)?.[1];
  } catch {
    return undefined;
  }
}

function debootstrapLog(folder: string): string {
  const log = join(folder, 'debootstrap/debootstrap.log');
  return existsSync(log) ? readFileSync(log, 'utf8') : '';
}
